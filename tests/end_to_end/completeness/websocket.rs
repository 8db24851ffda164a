//! A WebSocket server for one conversation at a time, over plain HTTP (RFC 6455).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

use base64::Engine as _;

/// Starts a server that sets a cookie in its handshake, greets, and hears one frame.
pub(super) fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A visitor who leaves early is none of the test's business.
            std::thread::spawn(move || drop(converse(&stream)));
        }
    });
    address
}

fn converse(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut key = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("sec-websocket-key")
        {
            value.trim().clone_into(&mut key);
        }
    }
    let accept = sha1(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    let accept = base64::engine::general_purpose::STANDARD.encode(accept);
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSet-Cookie: socket=1; Max-Age=60\r\n\r\n"
    )?;
    // One unmasked text frame.
    let greeting = b"welcome";
    stream.write_all(&[0x81, greeting.len() as u8])?;
    stream.write_all(greeting)?;
    let mut heard = [0; 64];
    while lines.read(&mut heard)? > 0 {}
    Ok(())
}

/// SHA-1 (FIPS 180-4), which the handshake asks for and nothing else here.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state = [
        0x6745_2301_u32,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() < message.len() + 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut words = [0_u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().unwrap());
        }
        for index in 16..80 {
            words[index] =
                (words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16])
                    .rotate_left(1);
        }
        let mut rotating = state;
        for (index, word) in words.into_iter().enumerate() {
            let [first, second, third, fourth, fifth] = rotating;
            let (mixed, constant) = match index / 20 {
                0 => ((second & third) | (!second & fourth), 0x5a82_7999),
                1 => (second ^ third ^ fourth, 0x6ed9_eba1),
                2 => (
                    (second & third) | (second & fourth) | (third & fourth),
                    0x8f1b_bcdc,
                ),
                _ => (second ^ third ^ fourth, 0xca62_c1d6),
            };
            let next = first
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(fifth)
                .wrapping_add(constant)
                .wrapping_add(word);
            rotating = [next, first, second.rotate_left(30), third, fourth];
        }
        for (sum, value) in state.iter_mut().zip(rotating) {
            *sum = sum.wrapping_add(value);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[test]
fn the_handshake_of_the_standard() {
    // RFC 6455, section 1.3.
    let accept = sha1(b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = base64::engine::general_purpose::STANDARD.encode(accept);
    assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
