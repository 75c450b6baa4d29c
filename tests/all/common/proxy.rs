//! A proxy with CONNECT and SOCKS5 that requires a password, and what was requested from it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use xstream::simulator::Server;

/// A running proxy.
#[derive(Clone)]
pub struct Proxy {
    address: String,
    target: String,
    requests: Arc<Mutex<Vec<String>>>,
    tunnels: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts one that connects every name to `target`.
    pub fn start(target: &Server) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let target = target.addr().to_string();
        let proxy = Proxy { address, target, requests: Arc::default(), tunnels: Arc::default() };
        let accepting = proxy.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let proxy = accepting.clone();
                std::thread::spawn(move || proxy.serve(stream));
            }
        });
        proxy
    }

    pub fn url_without_password(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://user:hunter2@{}", self.address)
    }

    /// Everything that was requested: heads, and for SOCKS passwords, names and addresses.
    pub fn requests(&self) -> String {
        self.requests.lock().expect("the list").join("\n")
    }

    /// How many connections it carried.
    pub fn tunnels(&self) -> usize {
        self.tunnels.load(Ordering::SeqCst)
    }

    fn serve(&self, mut client: TcpStream) {
        let note = |text: String| self.requests.lock().expect("the list").push(text);
        let mut first = [0];
        if client.peek(&mut first).is_err() {
            return;
        }
        if first[0] == 5 {
            let [_] = read(&mut client);
            if !read_prefixed(&mut client).contains('\u{2}') {
                let _ = client.write_all(&[5, 0xff]);
                return note("no password".to_owned());
            }
            client.write_all(&[5, 2]).expect("written");
            let [_] = read(&mut client);
            note(format!("{}:{}", read_prefixed(&mut client), read_prefixed(&mut client)));
            client.write_all(&[1, 0]).expect("written");
            let [_, _, _, kind] = read(&mut client);
            note(match kind {
                1 => format!("{:?}", read::<4>(&mut client)),
                3 => read_prefixed(&mut client),
                _ => format!("{:?}", read::<16>(&mut client)),
            });
            let _port: [u8; 2] = read(&mut client);
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).expect("written");
        } else {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|count| count == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            // user:hunter2
            let is_allowed = head.contains("dXNlcjpodW50ZXIy");
            note(head);
            let status = if is_allowed { "200 OK" } else { "407 Proxy Authentication Required" };
            let _ = client.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes());
            if !is_allowed {
                return;
            }
        }
        let server = TcpStream::connect(&self.target).expect("the simulator");
        self.tunnels.fetch_add(1, Ordering::SeqCst);
        let copies = (client.try_clone().expect("a copy"), server.try_clone().expect("a copy"));
        std::thread::spawn(move || pump(copies.0, copies.1));
        pump(server, client);
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).expect("what the protocol says");
    bytes
}

/// What follows its length in one byte.
fn read_prefixed(stream: &mut TcpStream) -> String {
    let [length] = read(stream);
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).expect("as much as announced");
    String::from_utf8_lossy(&bytes).into_owned()
}
