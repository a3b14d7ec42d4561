"""The image that instances boot: this machine's programs, in a system without its users, names, settings and secrets."""
import os
import shutil
import subprocess

# Mounted read-only, from this machine: its programs, and what dpkg knows of them.
MOUNTED = ('usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'var/lib/dpkg')

# Of this machine's, and of nobody else's.
LEFT_OUT = ('apt', 'cloudbuild', 'group*', 'gshadow*', 'hostname', 'hosts', 'machine-id', 'mtab', 'passwd*',
            'resolv.conf', 'shadow*', 'ssh', 'ssl/private', 'subgid*', 'subuid*', 'sudoers*')

CHROOTS = 'var/cache/cloudbuild/chroots'

FOLDERS = ('dev', 'etc/apt/apt.conf.d', 'etc/apt/preferences.d', 'etc/apt/sources.list.d', 'etc/apt/trusted.gpg.d',
           'home', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'var/cache/apt/archives/partial',
           CHROOTS, 'var/lib/apt/lists/partial', 'var/lib/sbuild', 'var/log/apt', 'var/tmp')


def make(root, chroots):
    """Makes the root of one instance, with chroots baked in; it takes no second, and needs no network."""
    for folder in FOLDERS:
        os.makedirs(os.path.join(root, folder))
    for name in ('tmp', 'var/tmp'):
        os.chmod(os.path.join(root, name), 0o1777)
    for folder in MOUNTED:
        here, there = '/' + folder, os.path.join(root, folder)
        if os.path.islink(here):
            os.symlink(os.readlink(here), there)
        elif os.path.isdir(here):
            os.makedirs(there)
    without = ['--exclude=./' + name for name in LEFT_OUT]
    packed = subprocess.Popen(['tar', '-C', '/etc', *without, '-cf', '-', '.'], stdout=subprocess.PIPE)
    subprocess.run(['tar', '-C', os.path.join(root, 'etc'), '-xf', '-'], stdin=packed.stdout, check=True)
    # The users of a new Debian: the build user is made by `cloudbuild setup`.
    for name in ('passwd', 'group'):
        shutil.copy('/usr/share/base-passwd/%s.master' % name, os.path.join(root, 'etc', name))
    for name in ('subuid', 'subgid', 'resolv.conf'):
        open(os.path.join(root, 'etc', name), 'w').close()
    link(chroots, os.path.join(root, CHROOTS))


def keep(root, chroots):
    """Keeps the chroots that an instance made, for the next ones."""
    link(os.path.join(root, CHROOTS), chroots)


def link(here, there):
    for name in sorted(os.listdir(here)):
        # A chroot is there once it has its name; its list is there before.
        if name.endswith('.tar'):
            for file in (name[:-len('.tar')] + '.json', name):
                try:
                    os.link(os.path.join(here, file), os.path.join(there, file))
                except FileExistsError:
                    pass
