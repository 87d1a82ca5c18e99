//! Mail servers of organizations, and the secrets in them. What is sent is tested with a mail server at the wire.

use super::World;
use slipway_domain::mail::Security;
use slipway_portal::ports::MailServerRecord;
use slipway_portal::seal::Sealer;
use slipway_portal::secret::SecretKind;
use slipway_portal::{Error, OpCtx, audit, mail, place};

fn input(host: &str, username: &str, password: &str) -> mail::Input {
    mail::Input {
        host: host.to_owned(),
        port: String::new(),
        security: String::from("starttls"),
        username: username.to_owned(),
        password: password.to_owned(),
        sender: String::from("Slipway <slipway@acme.example>"),
    }
}

async fn kept(ctx: &OpCtx, org: &str) -> Option<MailServerRecord> {
    let id = mail::settings(ctx, org).await.unwrap().org.id;
    ctx.read().await.unwrap().mail_server(id).await.unwrap()
}

/// The field that is wrong.
fn wrong(refused: slipway_portal::Result<()>) -> String {
    match refused {
        Err(Error::Invalid(fields)) => fields[0].field.clone(),
        other => panic!("{other:?}"),
    }
}

/// It is the organization's own, sealed, rotated like every secret, told in the audit log without its password, and
/// gone with the organization.
pub async fn a_mail_server_is_kept_for_its_organization_alone(world: World) {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let other = world.org("other", ada.id).await;
    let owner = world.as_person(&ada);
    mail::edit(&owner, "acme", input("smtp.example.com", "slipway", "opensesame"))
        .await
        .unwrap();
    let record = kept(&owner, "acme").await.unwrap();
    assert_eq!(
        (record.server.port, record.server.security),
        (587, Security::StartTls)
    );
    assert!(!record.password.contains("opensesame"), "it is sealed");
    assert_eq!(
        mail::settings(&owner, "acme").await.unwrap().own,
        Some(record.server)
    );
    assert_eq!(kept(&owner, "other").await, None);

    let found = owner
        .read()
        .await
        .unwrap()
        .sealed(SecretKind::Mail)
        .await
        .unwrap()
        .remove(0);
    let old = Sealer::new("another key of sixteen", &[]);
    let mut tx = world.portal.store.write().await.unwrap();
    tx.reseal(&found, &old.seal("elsewhere", "opensesame"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let turned = slipway_portal::secret::rotate(&world.system()).await.unwrap();
    assert_eq!(turned.broken.len(), 1);
    assert!(
        turned.broken[0].starts_with("mail server of organization"),
        "{turned:?}"
    );
    mail::edit(&owner, "acme", input("smtp.example.com", "slipway", "opensesame"))
        .await
        .unwrap();
    let turned = slipway_portal::secret::rotate(&world.system()).await.unwrap();
    assert_eq!((turned.renewed, turned.current, turned.broken.len()), (0, 1, 0));

    let stranger = world.person("sue").await;
    let stranger = world.as_person(&stranger);
    for refused in [
        mail::settings(&stranger, "acme").await.map(drop),
        mail::remove(&stranger, "acme").await,
    ] {
        assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    }
    let query = audit::Query {
        org: String::from("acme"),
        ..audit::Query::default()
    };
    let (_, rows) = audit::read(&owner, &query).await.unwrap();
    let edits = rows.iter().filter(|row| row.action == "mail.edit").count();
    assert_eq!(edits, 2);
    assert!(
        !format!("{rows:?}").contains("opensesame"),
        "no secret in the log"
    );

    mail::remove(&owner, "acme").await.unwrap();
    assert!(matches!(mail::remove(&owner, "acme").await, Err(Error::NotFound)));
    assert_eq!(kept(&owner, "acme").await, None);
    mail::edit(&owner, "other", input("smtp.example.com", "", ""))
        .await
        .unwrap();
    place::delete(&owner, "other", None, None, "other").await.unwrap();
    let gone = owner.read().await.unwrap().mail_server(other.id).await.unwrap();
    assert_eq!(gone, None, "it goes with its organization");
}

/// A password stays where it is as long as it goes where it was meant to.
pub async fn a_password_goes_to_no_other_mail_server(world: World) {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let owner = world.as_person(&ada);
    let edit = async |input| mail::edit(&owner, "acme", input).await;
    assert_eq!(
        wrong(edit(input("smtp.example.com", "slipway", "")).await),
        "password"
    );
    edit(input("smtp.example.com", "slipway", "opensesame"))
        .await
        .unwrap();
    let before = kept(&owner, "acme").await.unwrap();
    let mut other_sender = input("smtp.example.com", "slipway", "");
    other_sender.sender = String::from("ci@acme.example");
    edit(other_sender).await.unwrap();
    let after = kept(&owner, "acme").await.unwrap();
    assert_eq!(
        (after.password, after.server.sender.address.as_str()),
        (before.password, "ci@acme.example")
    );

    let elsewhere = [
        input("smtp.evil.example", "slipway", ""),
        input("smtp.example.com", "root", ""),
        mail::Input {
            security: String::from("none"),
            ..input("smtp.example.com", "slipway", "")
        },
        mail::Input {
            port: String::from("2525"),
            ..input("smtp.example.com", "slipway", "")
        },
    ];
    for input in elsewhere {
        let shown = format!("{} {} {}", input.host, input.security, input.port);
        assert_eq!(wrong(edit(input).await), "password", "{shown}");
    }
    assert_eq!(
        wrong(edit(input("smtp.example.com", "", "opensesame")).await),
        "username"
    );
    edit(input("smtp.example.com", "", "")).await.unwrap();
    assert_eq!(
        kept(&owner, "acme").await.unwrap().password,
        "",
        "nobody signs in: the password is forgotten"
    );

    let mut bad = input("smtp://smtp.example.com", "", "");
    assert_eq!(wrong(edit(bad.clone()).await), "host");
    bad.host = String::from("smtp.example.com");
    bad.port = String::from("x");
    assert_eq!(wrong(edit(bad.clone()).await), "port");
    bad.port = String::new();
    bad.sender = String::from("a@b.example\r\nBcc: c@d.example");
    assert_eq!(wrong(edit(bad.clone()).await), "sender");
    bad.security = String::from("ssl");
    assert_eq!(wrong(edit(bad).await), "security");
}
