/** A test whose suffix names a daemon starts that daemon; every other test is a unit test. */
export const daemonTestPattern = /\.(libvirtd|qemu|nats|redis|e2e)\.test\.ts$/;
