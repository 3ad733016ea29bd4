/** The user asked for what there is not; the message says what there is. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** It cannot be done here and now, and the message says why and what to do. Exit code 1. */
export class CannotError extends Error {
  override readonly name = 'CannotError';
}

export const usage = `The workbench of Virtscope.

  ./dev up [--detach] [--port 8080] [--domains 3]
                           start everything: private NATS, Redis and libvirtd hosts with tiny
                           domains, and the four services; Ctrl-C ends it. --detach leaves it
                           running. --port 0 takes any free port.
  ./dev fleet [--detach] [--port 8080] [--hosts 100] [--domains 20] [--churn 5]
                           the same over simulated hosts, with so many domains on each, of which
                           so many change a second: for a machine without a hypervisor
  ./dev down               end what \`up\` or \`fleet\` started
  ./dev status [--json]    what runs, and where
  ./dev logs [SERVICE] [-f]
                           the end of the logs; -f goes on
  ./dev test [--full]      every check and every test; --full at full size
  ./dev bench [NAME]       run a benchmark, or list them
  ./dev install            get the servers that are missing, and nothing else
  ./dev help               this text

All state lies in .virtscope/ (VIRTSCOPE_STATE_DIR moves it).
`;
