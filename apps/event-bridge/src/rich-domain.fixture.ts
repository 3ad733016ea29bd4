/**
 * A definition with every kind of part that a row tells: libvirt takes it without looking for the
 * images, devices and networks that it names. Only the password must never be told.
 */
export const richDomain = `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>rich</name>
  <uuid>5f7a0f9e-2b6c-4a3d-9a7e-0c1d2e3f4a5b</uuid>
  <title>The rich one</title>
  <metadata>
    <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
      <nova:package version='27.1.0'/>
      <nova:name>web &lt;1&gt;</nova:name>
      <nova:flavor name='m1.medium'><nova:memory>64</nova:memory><nova:vcpus>4</nova:vcpus></nova:flavor>
      <nova:owner>
        <nova:user uuid='9d2f6b53a1e84c1c8e0f7a2b3c4d5e6f'>alice</nova:user>
        <nova:project uuid='0a1b2c3d4e5f60718293a4b5c6d7e8f9'>shop</nova:project>
      </nova:owner>
      <nova:root type='image' uuid='11111111-2222-3333-4444-555555555555'/>
      <nova:ports>
        <nova:port uuid='1f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8'><nova:ip type='fixed' address='10.0.0.12' ipVersion='4'/></nova:port>
        <nova:port uuid='2f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8'/>
      </nova:ports>
    </nova:instance>
    <team xmlns='urn:example:team' cost='7'><name>red</name></team>
  </metadata>
  <maxMemory slots='4' unit='MiB'>256</maxMemory>
  <memory unit='MiB'>64</memory>
  <currentMemory unit='MiB'>32</currentMemory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu placement='static' cpuset='0-1' current='1'>4</vcpu>
  <cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='0-1'/><emulatorpin cpuset='1'/></cputune>
  <numatune><memory mode='preferred' nodeset='0'/></numatune>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.ms.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.ms.fd'>/var/lib/libvirt/qemu/nvram/rich_VARS.fd</nvram>
    <boot dev='hd'/>
  </os>
  <features><acpi/><smm state='on'/></features>
  <cpu mode='custom' match='exact' check='none'>
    <model fallback='forbid'>Nehalem</model>
    <vendor>Intel</vendor>
    <topology sockets='2' dies='1' cores='2' threads='1'/>
    <feature policy='require' name='vmx'/>
    <feature policy='disable' name='hle'/>
    <numa><cell id='0' cpus='0-3' memory='64' unit='MiB' memAccess='shared'/></numa>
  </cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap' detect_zeroes='unmap' queues='2'/>
      <source file='/images/rich.qcow2'/>
      <backingStore type='file'><format type='qcow2'/><source file='/images/base.qcow2'/>
        <backingStore type='network'><format type='raw'/><source protocol='nbd' name='golden'><host name='store' port='10809'/></source><backingStore/></backingStore>
      </backingStore>
      <target dev='vda' bus='virtio'/>
      <serial>8f3c1f2a-3b4c-4d5e-8f60-718293a4b5c6</serial>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <source protocol='rbd' name='vms/disk1'><host name='mon1' port='6789'/><host name='mon2' port='6789'/></source>
      <target dev='vdb' bus='virtio'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <source protocol='nbd'><host transport='unix' socket='/run/nbd.sock'/></source>
      <target dev='vdc' bus='virtio'/>
    </disk>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw'/>
      <source dev='/dev/vg/lv'/>
      <target dev='vdd' bus='virtio'/>
      <shareable/>
    </disk>
    <disk type='volume' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source pool='images' volume='a.qcow2'/>
      <target dev='vde' bus='virtio'/>
    </disk>
    <disk type='nvme' device='disk'>
      <driver name='qemu' type='raw'/>
      <source type='pci' managed='yes' namespace='1'><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>
      <target dev='vdf' bus='virtio'/>
    </disk>
    <disk type='vhostuser' device='disk'>
      <driver name='qemu' type='raw'/>
      <source type='unix' path='/run/vhost-blk.sock'/>
      <target dev='vdg' bus='virtio'/>
    </disk>
    <disk type='dir' device='disk'>
      <driver name='qemu' type='fat'/>
      <source dir='/srv/files'/>
      <target dev='vdh' bus='virtio'/>
      <readonly/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/images/secret.img'><encryption format='luks'><secret type='passphrase' uuid='457eb676-33da-42ec-9a8c-9293d545c337'/></encryption></source>
      <target dev='sdb' bus='scsi'/>
      <wwn>5000c50015ea71ab</wwn>
    </disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><target dev='sda' bus='sata'/><readonly/></disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <interface type='bridge'>
      <mac address='52:54:00:AA:BB:01'/>
      <source bridge='br-int'/>
      <vlan><tag id='42'/></vlan>
      <virtualport type='openvswitch'><parameters interfaceid='1f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8'/></virtualport>
      <model type='virtio'/>
      <filterref filter='clean-traffic'/>
      <link state='down'/>
      <mtu size='1450'/>
    </interface>
    <interface type='network'><mac address='52:54:00:aa:bb:02'/><source network='default'/><model type='virtio'/></interface>
    <interface type='direct'><mac address='52:54:00:aa:bb:03'/><source dev='eth0' mode='passthrough'/><model type='e1000'/></interface>
    <interface type='user'><mac address='52:54:00:aa:bb:04'/><model type='rtl8139'/></interface>
    <interface type='vhostuser'><mac address='52:54:00:aa:bb:05'/><source type='unix' path='/run/vhost.sock' mode='client'/><model type='virtio'/></interface>
    <interface type='hostdev' managed='yes'><mac address='52:54:00:aa:bb:06'/><source><address type='pci' domain='0x0000' bus='0x02' slot='0x10' function='0x1'/></source></interface>
    <interface type='ethernet'><mac address='52:54:00:aa:bb:07'/><target dev='tap-mine' managed='no'/><model type='virtio'/></interface>
    <interface type='mcast'><mac address='52:54:00:aa:bb:08'/><source address='230.0.0.1' port='5558'/><model type='virtio'/></interface>
    <interface type='udp'><mac address='52:54:00:aa:bb:09'/><source address='10.1.1.1' port='5559'><local address='127.0.0.1' port='5560'/></source><model type='virtio'/></interface>
    <interface type='vdpa'><mac address='52:54:00:aa:bb:0a'/><source dev='/dev/vhost-vdpa-0'/><model type='virtio'/></interface>
    <channel type='unix'><source mode='bind' path='/var/lib/libvirt/agent.sock'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <channel type='pty'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>
    <tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>
    <graphics type='vnc' autoport='yes' listen='0.0.0.0' passwd='hush'/>
    <hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source><address domain='0x0000' bus='0x06' slot='0x02' function='0x0'/></source></hostdev>
    <hostdev mode='subsystem' type='usb' managed='yes'><source><vendor id='0x1d6b'/><product id='0x0002'/></source></hostdev>
    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='3'/></source></hostdev>
    <hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>
    <hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source></hostdev>
    <hostdev mode='subsystem' type='scsi'><source protocol='iscsi' name='iqn.2014-08.com.example:iscsi-nopool/1'><host name='example.com' port='3260'/></source></hostdev>
    <hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>
    <watchdog model='i6300esb' action='reset'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline><qemu:arg value='-no-hpet'/></qemu:commandline>
</domain>
`;
