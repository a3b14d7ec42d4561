"""One instance: a real machine of namespaces."""
import os
import shutil
import signal
import subprocess
import threading
import time

import image
from metadata import Metadata
from network import address_of, make_network, processes_in, run

# The whole init of an instance: fetches the user-data, runs it where it is a program, and ends when told to.
INIT = r'''#!/bin/sh
mount -t proc proc /proc; mount --bind /rig-meminfo /proc/meminfo; mount -t sysfs -o ro sysfs /sys; mount -t tmpfs tmpfs /run
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc 2>/dev/null || :
mkdir -p /run/lock /dev/pts /dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts /dev/pts
ln -sf pts/ptmx /dev/ptmx; mount -t tmpfs tmpfs /dev/shm
hostname "$RIG_NAME"
printf '127.0.0.1 localhost\n127.0.1.1 %s.internal %s\n' "$RIG_NAME" "$RIG_NAME" >/etc/hosts
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
unset RIG_NAME
perl -e 'use IO::Socket::INET;
sub ask { my ($method, $path, $head) = @_;
  my $s = IO::Socket::INET->new(PeerAddr => "169.254.169.254:80", Timeout => 5) or die "metadata: $!";
  print $s "$method $path HTTP/1.0\r\nHost: 169.254.169.254\r\n$head\r\n"; local $/;
  my ($h, $b) = split /\r\n\r\n/, <$s>, 2; return $h =~ / 200 / ? $b : undef }
my $t = ask("PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 300\r\nContent-Length: 0\r\n");
my $u = ask("GET", "/latest/user-data", $t ? "X-aws-ec2-metadata-token: $t\r\n" : "");
exit 0 unless defined $u; open F, ">", "/run/user-data"; print F $u; close F; chmod 0700, "/run/user-data"'
if head -c2 /run/user-data 2>/dev/null | grep -q '^#!'; then /run/user-data & fi
while :; do sleep 3600 & wait $!; done
'''

STARTED = time.time()


def log(*words):
    print('%8.2f' % (time.time() - STARTED), *words, flush=True)


def memory_of(instance_type):
    """Bytes of memory that a machine of a type says it has, as large as the type's name: `m5.large` has 8 GiB."""
    size = instance_type.split('.')[-1]
    if size.endswith('xlarge'):
        return (int(size[:-len('xlarge')] or 1) << 34)
    return {'large': 8, 'medium': 4, 'small': 2}.get(size, 1) << 30


class Machine:
    def __init__(self, instance, number, options):
        self.instance, self.number, self.options = instance, number, options
        self.address = address_of(number)
        self.name = 'ip-' + self.address.replace('.', '-')
        self.network = 'rig-' + instance.id[2:]
        self.dir = os.path.join(options.state, instance.id)
        self.interrupted = self.rebalanced = self.process = self.metadata = None
        self.dead, self.lock = False, threading.Lock()

    def boot(self):
        try:
            with self.lock:
                if self.dead:
                    return
                image.make(os.path.join(self.dir, 'root'), self.options.chroots)
                make_network(self.network, self.number)
                self.metadata = Metadata(self, self.options.imds)
                self.start()
            threading.Thread(target=self.reap, daemon=True).start()
            log(self.instance.id, 'boots at', self.address)
        except Exception as error:
            log(self.instance.id, 'does not boot:', repr(error))
            self.end('Server.InternalError', 'Server.InternalError: Internal error on launch')

    def start(self):
        init = os.path.join(self.dir, 'root', 'rig-init')
        with open(init, 'w') as file:
            file.write(INIT)
        os.chmod(init, 0o755)
        with open(os.path.join(self.dir, 'root', 'rig-meminfo'), 'w') as file:
            file.write('MemTotal:       %d kB\n' % (memory_of(self.instance.instance_type) >> 10))
        root = self.dir + '/root'
        # What is mounted is mounted inside the machine's own mount namespace, so it goes away with it.
        lines = ['set -e', 'mount --make-rprivate /', 'mount --bind %s %s' % (root, root)]
        for folder in image.MOUNTED:
            if os.path.isdir('/' + folder) and not os.path.islink('/' + folder):
                lines += ['mount --bind /%s %s/%s' % (folder, root, folder),
                          'mount -o remount,bind,ro %s/%s' % (root, folder)]
        lines += ['mount -t tmpfs -o mode=755 tmpfs %s/dev' % root]
        for device in ('null', 'zero', 'full', 'random', 'urandom', 'tty', 'console'):
            # sbuild wants a console; there is none to give away.
            of = 'null' if device == 'console' else device
            lines += ['touch %s/dev/%s' % (root, device), 'mount --bind /dev/%s %s/dev/%s' % (of, root, device)]
        lines += ['ln -s /proc/self/fd %s/dev/fd' % root]
        lines += ['ln -s /proc/self/fd/%d %s/dev/%s' % (number, root, name)
                  for number, name in enumerate(('stdin', 'stdout', 'stderr'))]
        lines += ['mkdir -p %s/.old' % root, 'cd ' + root, 'pivot_root . .old',
                  'exec chroot . /bin/sh -c "umount -l /.old 2>/dev/null; exec /rig-init"']
        words = ['nsenter', '--net=/run/netns/' + self.network, 'unshare', '--mount', '--pid', '--uts', '--ipc',
                 '--cgroup', '--fork', '--kill-child=KILL', '/bin/sh', '-c', '\n'.join(lines)]
        console = open(os.path.join(self.dir, 'console.log'), 'ab')
        plain = {'PATH': os.environ['PATH'], 'RIG_NAME': self.name}
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                        start_new_session=True, env=plain)

    def reap(self):
        self.process.wait()
        if not self.dead:  # A shutdown from inside, or a crash.
            log(self.instance.id, 'ended by itself:', self.process.returncode)
            self.end('Client.InstanceInitiatedShutdown', 'Client.InstanceInitiatedShutdown: shutdown from inside')

    def kill(self):
        with self.lock:
            if self.dead:
                return
            self.dead = True
            if self.process:
                try:
                    os.killpg(self.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                for process in processes_in(self.network):
                    try:
                        os.kill(process, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                try:
                    self.process.wait(10)
                except subprocess.TimeoutExpired:
                    log(self.instance.id, 'does not die')
            if self.metadata:
                self.metadata.close()
            run('ip', 'netns', 'del', self.network, check=False)
            image.keep(os.path.join(self.dir, 'root'), self.options.chroots)
            shutil.rmtree(os.path.join(self.dir, 'root'), ignore_errors=True)
        log(self.instance.id, 'is gone')

    def end(self, code, message):
        """Not asked for by the user: terminated, for a reason."""
        from moto.ec2.models.instances import StateReason
        if self.instance._state.name not in ('terminated', 'shutting-down'):
            self.instance.terminate()
        self.instance._reason = message
        self.instance.state_reason = StateReason(message, code)
        self.kill()

    def hang(self):
        """The host hangs: nothing answers any more, and EC2 goes on saying `running`."""
        for process in processes_in(self.network):
            try:
                os.kill(process, signal.SIGSTOP)
            except ProcessLookupError:
                pass
        run('ip', '-n', self.network, 'link', 'set', 'eth0', 'down', check=False)
        log(self.instance.id, 'hangs')

    def console(self):
        try:
            with open(os.path.join(self.dir, 'console.log'), errors='replace') as file:
                return file.read()
        except FileNotFoundError:
            return ''
