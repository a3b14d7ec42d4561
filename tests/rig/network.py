"""Network namespaces of the instances, and the bridge that joins them."""
import ctypes
import os
import subprocess
import threading

BRIDGE, GATEWAY, PREFIX = 'rig0', '10.99.0.1', '10.99'
libc = ctypes.CDLL('libc.so.6', use_errno=True)
CLONE_NEWNET = 0x40000000


def run(*words, check=True, **options):
    done = subprocess.run(words, check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return done.stdout


def in_network(name, make):
    """Calls `make` in a thread that has entered the namespace: sockets made there stay there."""
    came = {}

    def enter():
        try:
            handle = os.open('/run/netns/' + name, os.O_RDONLY)
            if libc.setns(handle, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), 'setns ' + name)
            os.close(handle)
            came['value'] = make()
        except BaseException as error:
            came['error'] = error

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if 'error' in came:
        raise came['error']
    return came['value']


def make_bridge():
    run('ip', 'link', 'add', BRIDGE, 'type', 'bridge')
    run('ip', 'addr', 'add', GATEWAY + '/16', 'dev', BRIDGE)
    run('ip', 'link', 'set', BRIDGE, 'up')


def address_of(number):
    return '%s.%d.%d' % (PREFIX, 1 + number // 250, 2 + number % 250)


def make_network(name, number):
    """A namespace with the metadata address on its loopback, and one leg in the bridge."""
    leg = 'leg%d' % number
    run('ip', 'netns', 'add', name)
    run('ip', 'link', 'add', leg, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    run('ip', 'link', 'set', leg, 'master', BRIDGE, 'up')
    lines = ['link set lo up', 'addr add 169.254.169.254/32 dev lo', 'addr add %s/16 dev eth0' % address_of(number),
             'link set eth0 up', 'route add default via ' + GATEWAY]
    subprocess.run(['ip', '-n', name, '-batch', '-'], input='\n'.join(lines) + '\n', text=True, check=True)


def processes_in(name):
    return [int(word) for word in run('ip', 'netns', 'pids', name, check=False).split() if word.isdigit()]
