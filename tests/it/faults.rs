//! A proxy before an S3 server that fails as networks and servers do, as often as a test wants, by a seed.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to a request instead of what should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The server says 500, and does nothing.
    Error,
    /// The server says 503, and does nothing.
    SlowDown,
    /// Nothing is answered for so long that the client gives up.
    Stall,
    /// The connection ends before the server sees anything.
    Cut,
    /// The server sees half of the request's body, and the connection ends.
    HalfRequest,
    /// The server does it, and its answer gets lost.
    LostAnswer,
    /// Half of the answer comes.
    HalfAnswer,
}

/// All of them.
pub const ALL: [Fault; 7] =
    [Fault::Error, Fault::SlowDown, Fault::Stall, Fault::Cut, Fault::HalfRequest, Fault::LostAnswer, Fault::HalfAnswer];

/// How long a stalled request waits; longer than clients of tests do.
const STALL: Duration = Duration::from_secs(4);

struct Shared {
    server: u16,
    /// Faults in a thousand requests.
    rate: Mutex<u32>,
    faults: Vec<Fault>,
    random: Mutex<u64>,
    requests: Mutex<Vec<String>>,
    happened: Mutex<Vec<Fault>>,
    stopped: AtomicBool,
}

/// A running proxy; it stops when this is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
}

impl Proxy {
    /// Before a server's port; `rate` faults of these kinds in a thousand requests.
    pub fn start(server: u16, rate: u32, faults: &[Fault], seed: u64) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            server,
            rate: Mutex::new(rate),
            faults: faults.to_vec(),
            random: Mutex::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            requests: Mutex::default(),
            happened: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if of_thread.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (shared, Ok(client)) = (Arc::clone(&of_thread), client) else { continue };
                thread::spawn(move || {
                    // A broken connection is what this is for.
                    let _ = shared.serve(client);
                });
            }
        });
        Proxy { shared, port }
    }

    /// Where clients go.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Fails so often from now on.
    pub fn set_rate(&self, rate: u32) {
        *self.shared.rate.lock().unwrap() = rate;
    }

    /// The requests since this was asked last: `PUT /archive/pool/a`.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.requests.lock().unwrap())
    }

    /// The faults since this was asked last.
    pub fn happened(&self) -> Vec<Fault> {
        std::mem::take(&mut self.shared.happened.lock().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn random(&self) -> u64 {
        let mut state = self.random.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    /// One request, and the end of the connection.
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_read_timeout(Some(Duration::from_secs(120)))?;
        let Some((head, mut body)) = read_head(&mut client)? else { return Ok(()) };
        let line = head.lines().next().unwrap_or_default().rsplit_once(' ').unwrap_or_default().0.to_owned();
        self.requests.lock().unwrap().push(line);
        let fault = self.choose();
        if fault == Some(Fault::Cut) {
            return client.shutdown(Shutdown::Both);
        }
        let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut rest = vec![0; length - body.len().min(length)];
        client.read_exact(&mut rest)?;
        body.extend(rest);
        match fault {
            Some(Fault::Error) => return refuse(client, "500 Internal Server Error", "InternalError"),
            Some(Fault::SlowDown) => return refuse(client, "503 Slow Down", "SlowDown"),
            Some(Fault::Stall) => {
                thread::sleep(STALL);
                return client.shutdown(Shutdown::Both);
            }
            Some(Fault::Cut | Fault::HalfRequest | Fault::LostAnswer | Fault::HalfAnswer) | None => {}
        }
        let mut server = TcpStream::connect(("127.0.0.1", self.server))?;
        server.set_read_timeout(Some(Duration::from_secs(120)))?;
        let (first, others) = head.split_once("\r\n").unwrap_or_default();
        server.write_all(format!("{first}\r\nConnection: close\r\n{others}").as_bytes())?;
        if fault == Some(Fault::HalfRequest) && !body.is_empty() {
            server.write_all(&body[..body.len() / 2])?;
            server.shutdown(Shutdown::Both)?;
            return client.shutdown(Shutdown::Both);
        }
        server.write_all(&body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        match fault {
            Some(Fault::LostAnswer) => {}
            Some(Fault::HalfAnswer | Fault::HalfRequest) => client.write_all(&answer[..answer.len() / 2])?,
            Some(Fault::Error | Fault::SlowDown | Fault::Stall | Fault::Cut) | None => client.write_all(&answer)?,
        }
        client.shutdown(Shutdown::Both)
    }

    fn choose(&self) -> Option<Fault> {
        let rate = u64::from(*self.rate.lock().unwrap());
        if self.faults.is_empty() || self.random() % 1000 >= rate {
            return None;
        }
        let fault = self.faults[usize::try_from(self.random() % self.faults.len() as u64).unwrap()];
        self.happened.lock().unwrap().push(fault);
        Some(fault)
    }
}

/// The head of a request, and what came of its body with it.
fn read_head(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), body)));
        }
        match client.read(&mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend(&buffer[..count]),
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn refuse(mut client: TcpStream, status: &str, code: &str) -> std::io::Result<()> {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>a fault of the test</Message></Error>");
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    client.shutdown(Shutdown::Both)
}
