//! The adapter against a mail server with a certificate of its own making. Who is to trust it does so in a process of its
//! own, since roots come from the environment.

use crate::world::mailer;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use slipway_domain::mail::{MailServer, Security, Sender, test};
use slipway_domain::text::Locale;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{Mail, MailAccess, MailError, Mailer as _};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/certificate.pem");
const KEY: &[u8] = include_bytes!("key.pem");

/// Set in the process that trusts the certificate.
const TRUSTING: &str = "SLIPWAY_TEST_TRUSTS_MAIL";

/// Serves one connection after the other at `host`; the port.
fn serve(security: Security, host: &str) -> u16 {
    let listener = TcpListener::bind((host, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = talk(stream, security, &config);
        }
    });
    port
}

fn talk(mut stream: TcpStream, security: Security, config: &Arc<ServerConfig>) -> std::io::Result<()> {
    if security == Security::StartTls {
        stream.write_all(b"220 mail ESMTP\r\n")?;
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        lines.next().transpose()?;
        stream.write_all(b"250-mail\r\n250 STARTTLS\r\n")?;
        assert_eq!(lines.next().transpose()?.as_deref(), Some("STARTTLS"));
        stream.write_all(b"220 go on\r\n")?;
    }
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    converse(
        StreamOwned::new(connection, stream),
        security != Security::StartTls,
    )
}

/// Takes whatever comes, over TLS.
fn converse<S: Read + Write>(stream: S, greets: bool) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let say = |stream: &mut BufReader<S>, words: &str| {
        stream.get_mut().write_all(words.as_bytes())?;
        stream.get_mut().flush()
    };
    if greets {
        say(&mut stream, "220 mail ESMTP\r\n")?;
    }
    let mut content = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let words = match line.trim_end() {
            "." if content => {
                content = false;
                "250 taken\r\n"
            }
            _ if content => continue,
            "DATA" => {
                content = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        say(&mut stream, words)?;
    }
}

async fn send(security: Security, host: &str) -> Result<(), MailError> {
    let access = MailAccess {
        server: MailServer {
            host: host.to_owned(),
            port: serve(security, host),
            security,
            username: String::new(),
            sender: Sender::parse("slipway@acme.example").unwrap(),
        },
        password: String::new(),
        operator: true,
    };
    let letter = test(Locale::En, "Ada", "Acme");
    let mail = Mail {
        to: String::from("zoe@example.com"),
        letter,
    };
    mailer(Outgoing::default()).send(&access, &mail).await
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    for security in [Security::Tls, Security::StartTls] {
        let refused = send(security, "127.0.0.1").await;
        assert!(
            matches!(refused, Err(MailError::Tls(_))),
            "{security:?}: {refused:?}"
        );
    }
}

#[test]
fn a_certificate_that_the_machine_trusts_is_taken_for_its_names_alone() {
    let program = std::env::current_exe().unwrap();
    let done = Command::new(program)
        .args(["--exact", "tls::whoever_trusts_it_sends", "--nocapture"])
        .env("SSL_CERT_FILE", CERTIFICATE)
        .env(TRUSTING, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Run by the test above.
#[tokio::test]
async fn whoever_trusts_it_sends() {
    if std::env::var_os(TRUSTING).is_none() {
        return;
    }
    for security in [Security::Tls, Security::StartTls] {
        send(security, "127.0.0.1").await.unwrap();
        send(security, "localhost").await.unwrap();
        // The same machine by a name that the certificate has not.
        let refused = send(security, "127.0.0.2").await;
        assert!(
            matches!(refused, Err(MailError::Tls(_))),
            "{security:?}: {refused:?}"
        );
    }
}
