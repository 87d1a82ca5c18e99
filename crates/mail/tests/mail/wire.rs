//! The adapter against a mail server that does what it should, and one that does not.

use crate::world::{access, mailer};
use slipway_domain::mail::{Invite, Letter, Security, invitation};
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::Timestamp;
use slipway_mail::SmtpMailer;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{Mail, MailAccess, MailError, Mailer as _};
use slipway_testkit::{SmtpFault, SmtpServer};
use std::time::{Duration, Instant};

/// Whether an error is the one that is expected.
type Is = fn(&MailError) -> bool;

fn letter(locale: Locale) -> Letter {
    invitation(
        locale,
        &Invite {
            by: "Ada Okafor",
            place: "Acme / Checkout",
            role: &Text::new("project developer", "项目开发者"),
            until: Timestamp::parse_rfc3339("2026-12-01T08:00:00Z").unwrap(),
            link: "https://slipway.example.com/join?token=abc",
        },
    )
}

fn to(address: &str, letter: Letter) -> Mail {
    Mail {
        to: address.to_owned(),
        letter,
    }
}

fn zoe() -> Mail {
    to("zoe@example.com", letter(Locale::En))
}

fn ours() -> SmtpMailer {
    mailer(Outgoing::default())
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = SmtpServer::start().await;
    for locale in [Locale::En, Locale::ZhCn] {
        let written = letter(locale);
        ours()
            .send(&access(&server), &to("zoe@example.com", written.clone()))
            .await
            .unwrap();
        let mail = server.taken().pop().unwrap();
        assert_eq!(mail.header("From"), "Slipway <slipway@acme.example>");
        assert_eq!(mail.header("To"), "zoe@example.com");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert_eq!(mail.header("MIME-Version"), "1.0");
        assert!(mail.header("Message-ID").ends_with("@acme.example>"));
        assert!(!mail.header("Date").is_empty());
        assert!(mail.header("Content-Type").starts_with("multipart/alternative"));
        assert_eq!(mail.part("text/plain").trim_end(), written.text.trim_end());
        assert_eq!(mail.part("text/html").trim_end(), written.html.trim_end());
        assert!(mail.message.is_ascii(), "every server takes it");
    }
    assert_eq!(
        server.commands()[..4],
        [
            "EHLO slipway.example.com",
            "MAIL FROM:<slipway@acme.example>",
            "RCPT TO:<zoe@example.com>",
            "DATA"
        ]
    );
    let ids: Vec<_> = server
        .taken()
        .iter()
        .map(|mail| mail.header("Message-ID"))
        .collect();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn nothing_that_people_type_begins_another_header_or_ends_the_mail() {
    let server = SmtpServer::start().await;
    let mut access = access(&server);
    access.server.sender.name = String::from("Slip\r\nBcc: x@evil.example\r\n\r\nway");
    let mut mail = zoe();
    mail.letter.subject = String::from("Hello\r\nBcc: y@evil.example\n\n.\nRCPT TO:<z@evil.example>");
    mail.letter.text = String::from("one\r\n.\r\nMAIL FROM:<a@evil.example>\r\n..two\n");
    ours().send(&access, &mail).await.unwrap();
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].to, ["zoe@example.com"]);
    assert!(taken[0].headers("Bcc").is_empty());
    assert!(taken[0].header("Subject").starts_with("Hello"));
    assert_eq!(
        taken[0].part("text/plain").trim_end(),
        "one\n.\nMAIL FROM:<a@evil.example>\n..two"
    );
    for address in [
        "zoe@example.com>\r\nRCPT TO:<x@evil.example",
        "a@b.c\r\nBcc: d@e.f",
        "佐伊@e.c",
    ] {
        let refused = ours().send(&access, &to(address, letter(Locale::En))).await;
        assert!(
            matches!(refused, Err(MailError::RecipientRefused(_))),
            "{refused:?}"
        );
    }
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn whoever_must_sign_in_does_and_a_wrong_password_is_told() {
    let server = SmtpServer::start().await;
    server.wants("slipway", "open sesame 芝麻");
    let mut access = access(&server);
    let refused = ours().send(&access, &zoe()).await;
    assert!(matches!(refused, Err(MailError::BadLogin(_))), "{refused:?}");
    access.server.username = String::from("slipway");
    access.password = String::from("hush-hush");
    let refused = ours().greet(&access).await.unwrap_err();
    assert!(matches!(refused, MailError::BadLogin(_)), "{refused:?}");
    assert!(refused.text().en.contains("535") && !refused.text().en.contains("hush-hush"));
    access.password = String::from("open sesame 芝麻");
    ours().greet(&access).await.unwrap();
    assert!(server.taken().is_empty(), "it only greets");
    ours().send(&access, &zoe()).await.unwrap();
    assert_eq!(server.taken().len(), 1);
    assert!(!format!("{access:?}").contains("sesame"), "it is not shown");
}

#[tokio::test]
async fn every_bad_day_is_told_for_what_it_is() {
    use MailError as E;
    let server = SmtpServer::start().await;
    let mut access = access(&server);
    access.server.username = String::from("slipway");
    let days: Vec<(SmtpFault, Is)> = vec![
        (SmtpFault::Closes, |e| matches!(e, E::Unreachable(_))),
        (
            SmtpFault::Greets("554 no service"),
            |e| matches!(e, E::Refused(words) if words.contains("no service")),
        ),
        (SmtpFault::Greets("421 too busy"), |e| matches!(e, E::Later(_))),
        (SmtpFault::Greets("SSH-2.0-OpenSSH_9.2"), |e| {
            matches!(e, E::Broken(_))
        }),
        (SmtpFault::NoLogin, |e| matches!(e, E::NoLogin)),
        (SmtpFault::Answers("EHLO", "502 what?"), |e| {
            matches!(e, E::Refused(_))
        }),
        (SmtpFault::Answers("AUTH", "454 4.7.0 later"), |e| {
            matches!(e, E::Later(_))
        }),
        (SmtpFault::Answers("AUTH", "535 5.7.8 no"), |e| {
            matches!(e, E::BadLogin(_))
        }),
        (
            SmtpFault::Answers("MAIL", "550 5.7.1 not yours"),
            |e| matches!(e, E::SenderRefused(words) if words.contains("not yours")),
        ),
        (SmtpFault::Answers("RCPT", "550 5.1.1 nobody"), |e| {
            matches!(e, E::RecipientRefused(_))
        }),
        (SmtpFault::Answers("RCPT", "452 4.2.2 full"), |e| {
            matches!(e, E::Later(_))
        }),
        (SmtpFault::Answers("DATA", "554 5.6.0 no"), |e| {
            matches!(e, E::Refused(_))
        }),
        (SmtpFault::Answers("content", "554 5.7.1 spam"), |e| {
            matches!(e, E::Refused(_))
        }),
        (SmtpFault::Answers("content", "451 4.3.0 later"), |e| {
            matches!(e, E::Later(_))
        }),
        (SmtpFault::ClosesAfterContent, |e| matches!(e, E::Unconfirmed(_))),
    ];
    for (fault, is_it) in days {
        server.fails(Some(fault.clone()));
        let error = ours().send(&access, &zoe()).await.unwrap_err();
        assert!(is_it(&error), "{fault:?}: {error:?}");
        let text = error.text();
        assert!(text.en.ends_with('.') && text.zh.ends_with('。'), "{text:?}");
    }
    server.fails(None);
    ours().send(&access, &zoe()).await.unwrap();
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_silent_is_left_in_time() {
    let server = SmtpServer::start().await;
    let hasty = || ours().with_patience(Duration::from_millis(300));
    for (fault, unconfirmed) in [(SmtpFault::Hangs, false), (SmtpFault::HangsAfterContent, true)] {
        server.fails(Some(fault));
        let begun = Instant::now();
        let error = hasty().send(&access(&server), &zoe()).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(3));
        assert_eq!(
            matches!(error, MailError::Unconfirmed(_)),
            unconfirmed,
            "{error:?}"
        );
        assert_eq!(error == MailError::TimedOut, !unconfirmed);
        assert!(error.is_passing());
    }
    server.fails(Some(SmtpFault::Hangs));
    assert_eq!(hasty().greet(&access(&server)).await, Err(MailError::TimedOut));
}

#[tokio::test]
async fn nobody_listening_and_a_name_that_leads_nowhere_are_told() {
    let mut access = access(&SmtpServer::start().await);
    access.server.port = 9;
    let refused = ours().send(&access, &zoe()).await.unwrap_err();
    assert!(matches!(refused, MailError::Unreachable(_)), "{refused:?}");
    access.server.host = String::from("mail.invalid");
    let refused = ours().send(&access, &zoe()).await.unwrap_err();
    assert!(
        matches!(&refused, MailError::Unreachable(words) if words.contains("mail.invalid")),
        "{refused:?}"
    );
}

/// Nothing is sent in the clear where TLS was asked for: neither the login nor the mail.
#[tokio::test]
async fn a_server_without_tls_hears_nothing_where_tls_is_asked_for() {
    let server = SmtpServer::start().await;
    let mut access = access(&server);
    access.server.username = String::from("slipway");
    access.server.security = Security::StartTls;
    let refused = ours().send(&access, &zoe()).await;
    assert_eq!(refused, Err(MailError::NoStartTls));
    access.server.security = Security::Tls;
    let refused = ours().send(&access, &zoe()).await.unwrap_err();
    assert!(matches!(refused, MailError::Tls(_)), "{refused:?}");
    assert!(server.logins().is_empty() && server.taken().is_empty());
    let said = server.commands();
    assert!(
        !said
            .iter()
            .any(|line| line.contains("MAIL") || line.contains("AUTH")),
        "{said:?}"
    );
}

#[tokio::test]
async fn servers_that_people_typed_stay_in_bounds_and_the_operators_may_be_anywhere() {
    let server = SmtpServer::start().await;
    let typed = |host: &str| {
        let mut access = access(&server);
        access.server.host = host.to_owned();
        MailAccess {
            operator: false,
            ..access
        }
    };
    for host in [
        "127.0.0.1",
        "localhost",
        "::1",
        "169.254.169.254",
        "::ffff:127.0.0.1",
    ] {
        let access = typed(host);
        let refused = ours().send(&access, &zoe()).await;
        assert!(
            matches!(refused, Err(MailError::OutOfBounds(_))),
            "{host}: {refused:?}"
        );
        let refused = ours().admits(&access.server).await;
        assert!(
            matches!(refused, Err(MailError::OutOfBounds(_))),
            "{host}: {refused:?}"
        );
    }
    assert!(server.commands().is_empty());
    assert_eq!(ours().admits(&typed("mail.invalid").server).await, Ok(()));
    mailer(Outgoing::with_loopback())
        .send(&typed("127.0.0.1"), &zoe())
        .await
        .unwrap();
    ours().send(&access(&server), &zoe()).await.unwrap();
    assert_eq!(server.taken().len(), 2);
}
