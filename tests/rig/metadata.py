"""The metadata service of one instance, at 169.254.169.254 of the instance's own network."""
import base64
import http.server
import json
import secrets
import socketserver
import threading
import time
import urllib.parse

from network import in_network


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    # Not http.server.HTTPServer: its bind asks DNS for its own name, which takes 10 s where there is none.
    daemon_threads = True
    request_queue_size = 32
    allow_reuse_address = True


class Metadata:
    def __init__(self, machine, mode):
        self.machine, self.mode, self.tokens = machine, mode, {}
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *_):
                pass

            def do_PUT(self):
                self.rfile.read(int(self.headers.get('Content-Length') or 0))
                if service.mode == 'v1' or self.path != '/latest/api/token':
                    return self.say(404)
                lives = self.headers.get('X-aws-ec2-metadata-token-ttl-seconds')
                if service.mode != 'euca' and not lives:
                    return self.say(400)
                token = secrets.token_urlsafe(40)
                service.tokens[token] = time.time() + int(lives or 21600)
                return self.say(200, token.encode())

            def do_GET(self):
                if service.mode == 'v2':  # HttpTokens=required
                    token = self.headers.get('X-aws-ec2-metadata-token')
                    if service.tokens.get(token, 0) < time.time():
                        return self.say(401)
                return self.say(*service.answer(urllib.parse.unquote(self.path).lstrip('/')))

            def say(self, code, body=b''):
                self.send_response(code)
                self.send_header('Content-Type', 'text/plain')
                self.send_header('Content-Length', str(len(body)))
                self.send_header('Connection', 'close')
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

        self.server = in_network(machine.network, lambda: Server(('169.254.169.254', 80), Handler))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        if not path:
            return 200, b'1.0\n2009-04-04\n2016-09-02\n2021-03-23\nlatest'
        name = path.partition('/')[2].rstrip('/')
        if not name:
            return 200, b'dynamic\nmeta-data\nuser-data'
        tree = self.tree()
        if name in tree:
            return 200, tree[name]
        below = [key[len(name) + 1:] for key in tree if key.startswith(name + '/')]
        listed = sorted({key.split('/')[0] + ('/' if '/' in key else '') for key in below})
        return (200, '\n'.join(listed).encode()) if listed else (404, b'404 - Not Found')

    def tree(self):
        machine, instance = self.machine, self.machine.instance
        zone, region = instance._placement.zone, instance.region_name
        document = {'instanceId': instance.id, 'region': region, 'instanceType': instance.instance_type,
                    'architecture': instance.architecture, 'availabilityZone': zone}
        tree = {
            'meta-data/instance-id': instance.id,
            'meta-data/instance-type': instance.instance_type,
            'meta-data/ami-id': instance.image_id,
            'meta-data/local-ipv4': machine.address,
            'meta-data/hostname': machine.name,
            'meta-data/local-hostname': machine.name,
            'meta-data/placement/availability-zone': zone,
            'meta-data/placement/region': region,
            'meta-data/instance-life-cycle': 'spot' if instance.lifecycle == 'spot' else 'on-demand',
            'dynamic/instance-identity/document': json.dumps(document),
        }
        if self.mode == 'euca':  # Eucalyptus has neither spot, nor regions, nor events.
            del tree['meta-data/placement/region'], tree['meta-data/instance-life-cycle']
        if machine.interrupted:
            tree['meta-data/spot/instance-action'] = json.dumps({'action': 'terminate', 'time': machine.interrupted})
            tree['meta-data/spot/termination-time'] = machine.interrupted
        if machine.rebalanced:
            notice = json.dumps({'noticeTime': machine.rebalanced})
            tree['meta-data/events/recommendations/rebalance'] = notice
        tree = {key: value.encode() for key, value in tree.items()}
        if instance.user_data:
            tree['user-data'] = base64.b64decode(str(instance.user_data))
        return tree

    def close(self):
        self.server.shutdown()
        self.server.server_close()
