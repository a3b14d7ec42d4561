#!/usr/bin/env python3
"""The EC2 API of the rig: moto in this process, patched where it differs from real EC2.

A test controls it by POST of JSON to port 5001:
  /faults     {"capacity": {"m5.large": 2}, "throttle": 1, ...}: see Faults; answers all of them
  /hold       {"action": "RunInstances", "when": "before" | "after"}: the next such call waits until /release
  /release    {}: goes on with what is held
  /state      {}: the instances, whether something is held, and the calls so far
  /interrupt  {"id": ..., "notice": SECONDS}: a spot notice, and the end after it
  /rebalance  {"id": ...}
  /crash      {"id": ..., "silent": true}: the host dies; silent: it hangs, and EC2 says `running`
"""
import argparse
import base64
import copy
import hashlib
import http.server
import io
import json
import logging
import os
import signal
import socketserver
import threading
import time
import urllib.parse
from datetime import datetime, timedelta, timezone

from machine import Machine, log
from network import GATEWAY, make_bridge

# What Eucalyptus' strict query binding knows of the calls that we use.
EUCALYPTUS = {
    'RunInstances': {'ImageId', 'MinCount', 'MaxCount', 'KeyName', 'SecurityGroup', 'SecurityGroupId', 'UserData',
                     'AddressingType', 'InstanceType', 'KernelId', 'RamdiskId', 'Placement', 'BlockDeviceMapping',
                     'Monitoring', 'SubnetId', 'DisableApiTermination', 'PrivateIpAddress', 'ClientToken',
                     'NetworkInterface', 'IamInstanceProfile', 'EbsOptimized', 'AdditionalInfo'},
    'DescribeInstances': {'InstanceId', 'MaxResults', 'NextToken', 'Filter'},
    'TerminateInstances': {'InstanceId'},
    'DescribeImages': {'ExecutableBy', 'ImageId', 'Owner', 'Filter'},
    'CreateTags': {'ResourceId', 'Tag'},
    'GetConsoleOutput': {'InstanceId'},
    'DescribeInstanceTypes': {'Verbose', 'Availability', 'InstanceType', 'Filter'},
}


class Faults:
    def __init__(self):
        self.capacity = {}          # instance type or '*': how many more launches find no capacity
        self.refuse = {}            # error code: how many more launches are refused so, with HTTP 400
        self.throttle = 0           # the next n calls answer RequestLimitExceeded
        self.html = 0               # the next n calls answer HTTP 502 with a page
        self.lose_reply = 0         # the next n launches are done, and the reply is HTTP 500
        self.slow_boot = 0.0        # seconds between the launch and the boot
        self.fail_after_launch = 0  # the next n instances end before they boot
        self.no_boot = 0            # the next n instances are running, and nothing ever boots


class Held:
    """One call that waits, so that a test can kill who made it just before or just after it was done."""
    def __init__(self):
        self.wanted, self.waiting, self.go = None, False, threading.Event()

    def at(self, action, when):
        if self.wanted != (action, when):
            return
        self.wanted, self.waiting = None, True
        log('held', when, action)
        self.go.wait(120)
        self.waiting = False


class Cloud:
    def __init__(self, options):
        self.options, self.faults, self.held = options, Faults(), Held()
        self.machines, self.tokens, self.calls, self.lock = {}, {}, [], threading.RLock()
        self.status = threading.local()  # of the error being raised: moto answers 400 to all of them
        os.environ.update(MOTO_ENABLE_AMI_VALIDATION='true', MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION='true',
                          MOTO_EC2_LOAD_DEFAULT_AMIS='true')
        import moto.ec2.models.instances as instances
        import moto.ec2.utils as utils
        utils.filter_dict_attribute_mapping.update({'client-token': 'client_token', 'instance-lifecycle': 'lifecycle'})
        self.launch_of_moto = instances.InstanceBackend.run_instances
        cloud, terminate_of_moto = self, instances.Instance.terminate

        def run_instances(backend, image, count, user_data, groups, **more):
            with cloud.lock:
                return cloud.launch(backend, image, count, user_data, groups, more)

        def terminate(instance):
            before = copy.copy(instance._state)
            if instance._state.name != 'terminated':
                before = terminate_of_moto(instance)
            machine = cloud.machines.get(instance.id)
            if machine and not machine.dead:
                threading.Thread(target=machine.kill, daemon=True).start()
            return before

        instances.InstanceBackend.run_instances = run_instances
        instances.Instance.terminate = terminate

    def error(self, code, message, status=400):
        from moto.ec2.exceptions import EC2ClientError
        self.status.code = status
        return EC2ClientError(code, message)

    def launch(self, backend, image, count, user_data, groups, more):
        token, kind, faults = more.get('client_token'), more.get('instance_type', ''), self.faults
        asked = json.dumps([image, count, str(user_data), groups, {k: v for k, v in more.items() if k != 'tags'}],
                           sort_keys=True, default=str)
        asked = hashlib.sha256(asked.encode()).hexdigest()
        if token and token in self.tokens:
            before, reservation = self.tokens[token]
            if before != asked:
                raise self.error('IdempotentParameterMismatch', 'Arguments on this idempotent request are inconsistent')
            log('launch again with', token, [it.id for it in reservation.instances])
            return reservation
        for name in (kind, '*'):
            if faults.capacity.get(name, 0) > 0:
                faults.capacity[name] -= 1
                raise self.error('InsufficientInstanceCapacity', 'We do not have sufficient %s capacity' % kind, 500)
        for code in [code for code, left in faults.refuse.items() if left > 0]:
            faults.refuse[code] -= 1
            raise self.error(code, 'refused by the rig')
        if user_data and len(base64.b64decode(str(user_data))) > 16384:
            raise self.error('InvalidParameterValue', 'User data is limited to 16384 bytes')
        reservation = self.launch_of_moto(backend, image, count, user_data, groups, **more)
        if token:
            self.tokens[token] = (asked, reservation)
        for instance in reservation.instances:
            instance._state.name, instance._state.code = 'pending', 0
            machine = self.machines[instance.id] = Machine(instance, len(self.machines), self.options)
            threading.Thread(target=self.bring_up, args=(machine,), daemon=True).start()
        log('launch', kind, image, token, [it.id for it in reservation.instances])
        if faults.lose_reply > 0:
            faults.lose_reply -= 1
            raise self.error('InternalError', 'An internal error has occurred', 500)
        return reservation

    def bring_up(self, machine):
        state, faults = machine.instance._state, self.faults
        if faults.fail_after_launch > 0:
            faults.fail_after_launch -= 1
            time.sleep(1)
            return machine.end('Server.InternalError', 'Server.InternalError: Internal error on launch')
        time.sleep(faults.slow_boot)
        if faults.no_boot > 0:
            faults.no_boot -= 1
            log(machine.instance.id, 'never boots')
        elif state.name == 'pending':
            machine.boot()
        if state.name == 'pending':
            state.name, state.code = 'running', 16

    def control(self, path, asked):
        if path == '/state':
            instances = {name: {'state': it.instance._state.name, 'address': it.address, 'console': it.console()[-4000:],
                                'token': it.instance.client_token, 'type': it.instance.instance_type,
                                'tags': {tag['key']: tag['value'] for tag in it.instance.get_tags()}}
                         for name, it in self.machines.items()}
            return {'instances': instances, 'held': self.held.waiting, 'calls': self.calls}
        if path == '/faults':
            for name, value in asked.items():
                getattr(self.faults, name)
                setattr(self.faults, name, value)
            return self.faults.__dict__
        if path == '/hold':
            self.held.go.clear()
            self.held.wanted = (asked['action'], asked['when'])
            return {}
        if path == '/release':
            self.held.wanted = None
            self.held.go.set()
            return {}
        machine = self.machines[asked['id']]
        if path == '/interrupt':
            return self.interrupt(machine, float(asked.get('notice', 120)))
        if path == '/rebalance':
            machine.rebalanced = stamp(0)
            return {}
        if path == '/crash':
            machine.hang() if asked.get('silent') else machine.end('Server.InternalError', 'Server.InternalError: host')
            return {}
        raise KeyError(path)

    def interrupt(self, machine, notice):
        machine.interrupted = stamp(notice)

        def later():
            time.sleep(notice)
            machine.end('Server.SpotInstanceTermination', 'Server.SpotInstanceTermination: Spot instance termination')

        threading.Thread(target=later, daemon=True).start()
        return {}


def stamp(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%SZ')


class Gate:
    """Before moto: what a cloud's front does, which is throttling, losing calls, and knowing its parameters."""
    def __init__(self, app, cloud):
        self.app, self.cloud = app, cloud

    def __call__(self, request, start):
        body = request['wsgi.input'].read(int(request.get('CONTENT_LENGTH') or 0))
        request['wsgi.input'] = io.BytesIO(body)
        asked = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        action, cloud, faults = asked.get('Action', ''), self.cloud, self.cloud.faults
        cloud.calls.append([time.time(), action, {k: v for k, v in asked.items() if k != 'UserData'}])

        def fail(status, code, message):
            text = ('<?xml version="1.0"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors>'
                    '<RequestID>x</RequestID></Response>') % (code, message)
            start(status, [('Content-Type', 'text/xml'), ('Content-Length', str(len(text)))])
            return [text.encode()]

        if faults.throttle > 0:
            faults.throttle -= 1
            return fail('503 Service Unavailable', 'RequestLimitExceeded', 'Request limit exceeded.')
        if faults.html > 0:
            faults.html -= 1
            page = b'<html><body><h1>502 Bad Gateway</h1></body></html>'
            start('502 Bad Gateway', [('Content-Type', 'text/html'), ('Content-Length', str(len(page)))])
            return [page]
        if cloud.options.profile == 'euca':
            if action not in EUCALYPTUS:
                return fail('400 Bad Request', 'InvalidAction', 'The action %s is not valid' % action)
            wrong = [k for k in asked if k.split('.')[0] not in EUCALYPTUS[action] | {'Action', 'Version'}]
            if wrong:
                return fail('500 Internal Server Error', 'InternalError', 'Failed to bind: ' + ', '.join(wrong))
        if action == 'GetConsoleOutput' and asked.get('InstanceId') in cloud.machines:
            # moto's own is always the same text.
            said = base64.b64encode(cloud.machines[asked['InstanceId']].console().encode()).decode()
            text = ('<GetConsoleOutputResponse><instanceId>%s</instanceId><output>%s</output></GetConsoleOutputResponse>'
                    % (asked['InstanceId'], said))
            start('200 OK', [('Content-Type', 'text/xml'), ('Content-Length', str(len(text)))])
            return [text.encode()]
        cloud.held.at(action, 'before')
        cloud.status.code = 400

        def began(status, headers, error=None):
            if status.startswith('400') and cloud.status.code != 400:
                status = '%d Error' % cloud.status.code
            return start(status, headers, error)

        answer = list(self.app(request, began))
        cloud.held.at(action, 'after')
        return answer


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


def serve_control(cloud):
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers.get('Content-Length') or 0)) or b'{}')
            try:
                code, said = 200, cloud.control(self.path, asked)
            except Exception as error:
                code, said = 400, {'error': repr(error)}
            body = json.dumps(said).encode()
            self.send_response(code)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    threading.Thread(target=Server((GATEWAY, 5001), Handler).serve_forever, daemon=True).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--imds', default='v2', choices=['v1', 'v2', 'optional', 'euca'])
    parser.add_argument('--profile', default='aws', choices=['aws', 'euca'])
    parser.add_argument('--chroots', required=True, help='a folder for the chroots that instances share')
    parser.add_argument('--state', required=True, help='a folder for the instances')
    options = parser.parse_args()
    os.makedirs(options.state)
    make_bridge()
    cloud = Cloud(options)
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server
    logging.getLogger('werkzeug').setLevel(logging.ERROR)
    app = Gate(DomainDispatcherApplication(create_backend_app), cloud)
    server = make_server(GATEWAY, 5000, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    serve_control(cloud)
    log('the rig is up')
    # The first process of a namespace hears only the signals that it asks for, and reaps whatever is orphaned in it.
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


if __name__ == '__main__':
    main()
