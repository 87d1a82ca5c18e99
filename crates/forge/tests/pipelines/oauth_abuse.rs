//! Answers of GitLab that do not count: replayed, late, of somebody else, of another session, of another connection;
//! and what is said to each.

use crate::oauth::press;
use crate::world::{ORG, World};
use slipway_domain::access::Role;
use slipway_domain::id::ConnectionId;
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_domain::time::{MINUTE, SECOND};
use slipway_portal::access::At;
use slipway_portal::connection::oauth::{self, Arrival, ComingBack, Input};
use slipway_portal::person::{self, NewAccount};
use slipway_portal::{Actor, Error, OpCtx, Via, connection, member, org};
use slipway_sandbox::faults::{Fault, FaultMatch};

on_both! {
    an_answer_counts_once_and_for_ten_minutes,
    an_answer_counts_in_the_session_that_asked,
    an_answer_counts_for_the_connection_it_was_asked_for,
    whoever_lost_the_right_meanwhile_authorizes_nothing,
    who_denies_and_who_cannot_is_told,
    only_people_authorize_and_only_what_they_manage,
    what_is_typed_is_checked,
}

const USERNAME: (&str, &str) = ("username", "root");

/// The code of a refusal.
fn code_of(arrival: Arrival) -> (&'static str, bool) {
    let to_page = arrival.org.is_some();
    match arrival.came {
        Err(Error::Refused { code, text }) => {
            assert!(!text.en.is_empty() && !text.zh.is_empty());
            (code, to_page)
        }
        other => panic!("{other:?}"),
    }
}

async fn account(world: &World, username: &str) -> PersonRef {
    let account = NewAccount {
        username: username.to_owned(),
        name: username.to_owned(),
        email: None,
        password: String::from("correct horse"),
    };
    person::create(&world.portal.system("test"), account)
        .await
        .expect("an account")
}

/// Somebody who administers the organization.
async fn admin(world: &World, username: &str) -> PersonRef {
    let person = account(world, username).await;
    org::grant(&world.ctx(), ORG, None, person.id, Role::OrgAdmin)
        .await
        .expect("a role");
    person
}

impl World {
    async fn is_authorized(&self, id: ConnectionId) -> bool {
        self.shown(id).await.1.authorized.is_some()
    }

    fn here(&self) -> OpCtx {
        self.in_session(&self.owner, "a browser")
    }
}

pub async fn an_answer_counts_once_and_for_ten_minutes(world: World) {
    let (id, _) = world.waiting("By OAuth").await;
    let ctx = world.here();
    let late = world.leave(&ctx, id, USERNAME).await;
    world.clock.advance(10 * MINUTE);
    assert_eq!(code_of(oauth::come_back(&ctx, late).await), ("expired", true));
    assert!(!world.is_authorized(id).await);

    let back = world.leave(&ctx, id, USERNAME).await;
    world.clock.advance(10 * MINUTE - SECOND);
    let came = oauth::come_back(&ctx, back.clone()).await;
    assert_eq!(came.org.as_deref(), Some(ORG));
    came.came.unwrap();
    assert_eq!(
        code_of(oauth::come_back(&ctx, back.clone()).await),
        ("state_used", true)
    );
    // Nor with a code that was never used.
    let fresh = world.leave(&ctx, id, USERNAME).await;
    let mixed = ComingBack {
        code: fresh.code.clone(),
        ..back
    };
    assert_eq!(code_of(oauth::come_back(&ctx, mixed).await), ("state_used", true));
    let made_up = ComingBack {
        state: String::from("made up"),
        ..fresh
    };
    assert_eq!(
        code_of(oauth::come_back(&ctx, made_up).await),
        ("unknown_state", false)
    );
    assert_eq!(
        code_of(oauth::come_back(&ctx, ComingBack::default()).await),
        ("unknown_state", false)
    );
    world.gitlab.shutdown().await;
}

pub async fn an_answer_counts_in_the_session_that_asked(world: World) {
    let (id, _) = world.waiting("By OAuth").await;
    let ctx = world.here();
    let back = world.leave(&ctx, id, USERNAME).await;
    let elsewhere = world.in_session(&world.owner, "another browser");
    let arrival = oauth::come_back(&elsewhere, back.clone()).await;
    assert_eq!(code_of(arrival), ("other_session", true), "the same person");
    let arrival = oauth::come_back(&world.ctx(), back.clone()).await;
    assert_eq!(code_of(arrival), ("other_session", true), "in no session at all");
    let other = admin(&world, "otto").await;
    let arrival = oauth::come_back(&world.in_session(&other, "a browser"), back.clone()).await;
    assert_eq!(
        code_of(arrival),
        ("other_session", true),
        "somebody who could have asked"
    );
    let stranger = account(&world, "sue").await;
    let arrival = oauth::come_back(&world.in_session(&stranger, "a browser"), back.clone()).await;
    assert_eq!(
        code_of(arrival),
        ("other_session", false),
        "somebody who may not know of the place"
    );
    let nobody = world.portal.ctx(Actor::Anonymous, Via::Web, "test", Locale::En);
    let arrival = oauth::come_back(&nobody, back.clone()).await;
    assert!(matches!(arrival.came, Err(Error::Unauthenticated)) && arrival.org.is_none());
    assert!(!world.is_authorized(id).await);
    // Whoever asked still gets it.
    oauth::come_back(&ctx, back).await.came.unwrap();
    assert!(world.is_authorized(id).await);
    world.gitlab.shutdown().await;
}

pub async fn an_answer_counts_for_the_connection_it_was_asked_for(world: World) {
    let (one, _) = world.waiting("One").await;
    let (two, _) = world.waiting("Two").await;
    let ctx = world.here();
    let of_one = world.leave(&ctx, one, USERNAME).await;
    let of_two = world.leave(&ctx, two, USERNAME).await;
    let mixed = ComingBack {
        state: of_one.state.clone(),
        ..of_two.clone()
    };
    assert_eq!(
        code_of(oauth::come_back(&ctx, mixed).await),
        ("grant_refused", true)
    );
    assert!(!world.is_authorized(one).await && !world.is_authorized(two).await);
    assert_eq!(
        code_of(oauth::come_back(&ctx, of_one).await),
        ("state_used", true)
    );
    // The code of the other was used up with it.
    assert_eq!(
        code_of(oauth::come_back(&ctx, of_two).await),
        ("grant_refused", true)
    );

    // Two of the same application: the verifier tells them apart.
    let application = world.register("Shared", &["api"]);
    let make = async |name: &str| {
        oauth::create(&world.ctx(), ORG, world.input(name, &application))
            .await
            .unwrap()
    };
    let (three, four) = (make("Three").await, make("Four").await);
    let of_three = world.leave(&ctx, three, USERNAME).await;
    let of_four = world.leave(&ctx, four, USERNAME).await;
    let mixed = ComingBack {
        state: of_three.state,
        ..of_four
    };
    assert_eq!(
        code_of(oauth::come_back(&ctx, mixed).await),
        ("grant_refused", true)
    );
    assert!(!world.is_authorized(three).await && !world.is_authorized(four).await);

    let gone = world.leave(&ctx, three, USERNAME).await;
    connection::remove(&ctx, ORG, three).await.unwrap();
    assert_eq!(
        code_of(oauth::come_back(&ctx, gone).await),
        ("unknown_state", false)
    );
    world.gitlab.shutdown().await;
}

pub async fn whoever_lost_the_right_meanwhile_authorizes_nothing(world: World) {
    let (id, _) = world.waiting("By OAuth").await;
    let otto = admin(&world, "otto").await;
    let back = world
        .leave(&world.in_session(&otto, "a browser"), id, USERNAME)
        .await;
    member::remove(&world.ctx(), At::new(ORG, None, None), otto.id)
        .await
        .unwrap();
    let arrival = oauth::come_back(&world.in_session(&otto, "a browser"), back).await;
    assert_eq!(code_of(arrival), ("right_lost", true));
    assert!(!world.is_authorized(id).await);
    world.gitlab.shutdown().await;
}

pub async fn who_denies_and_who_cannot_is_told(world: World) {
    let (id, _) = world.waiting("By OAuth").await;
    let ctx = world.here();
    let denied = world.leave(&ctx, id, ("deny", "true")).await;
    assert_eq!(
        (denied.error.as_deref(), denied.code.as_deref()),
        (Some("access_denied"), None)
    );
    assert_eq!(
        code_of(oauth::come_back(&ctx, denied.clone()).await),
        ("denied", true)
    );
    assert_eq!(
        code_of(oauth::come_back(&ctx, denied).await),
        ("state_used", true)
    );
    // An error counts with its state alone.
    let forged = ComingBack {
        state: String::from("made up"),
        code: None,
        error: Some(String::from("access_denied")),
    };
    assert_eq!(
        code_of(oauth::come_back(&ctx, forged).await),
        ("unknown_state", false)
    );

    let narrow = world.register("Narrow", &["read_api"]);
    let without = oauth::create(&ctx, ORG, world.input("Narrow", &narrow))
        .await
        .unwrap();
    let back = world.leave(&ctx, without, USERNAME).await;
    assert_eq!(
        code_of(oauth::come_back(&ctx, back).await),
        ("invalid_scope", true)
    );

    let odd = ComingBack {
        error: Some(String::from("<b>server_error</b>\u{1f600}")),
        code: None,
        ..world.leave(&ctx, id, USERNAME).await
    };
    match oauth::come_back(&ctx, odd).await.came {
        Err(Error::Refused {
            code: "not_authorized",
            text,
        }) => {
            assert!(
                text.en.contains("server_error") && !text.en.contains('\u{1f600}'),
                "{text:?}"
            );
        }
        other => panic!("{other:?}"),
    }

    let back = world.leave(&ctx, id, USERNAME).await;
    let token = FaultMatch {
        method: Some(String::from("POST")),
        path_regex: Some(String::from("^/oauth/token$")),
    };
    world.gitlab.faults().add(token, Fault::Drop, Some(1)).unwrap();
    let away = oauth::come_back(&ctx, back).await;
    assert_eq!(away.org.as_deref(), Some(ORG));
    assert!(
        matches!(&away.came, Err(Error::Unavailable { code: "gitlab", text }) if text.en.contains("Authorize again")),
        "{:?}",
        away.came
    );
    // Given tokens that cannot be kept are not left behind.
    let back = world.leave(&ctx, id, USERNAME).await;
    let user = FaultMatch {
        method: Some(String::from("GET")),
        path_regex: Some(String::from("/user(\\?|$)")),
    };
    world
        .gitlab
        .faults()
        .add(user, Fault::Status { code: 502 }, Some(1))
        .unwrap();
    let away = oauth::come_back(&ctx, back).await.came;
    assert!(
        matches!(&away, Err(Error::Unavailable { code: "gitlab", .. })),
        "{away:?}"
    );
    let revoked = FaultMatch {
        method: Some(String::from("POST")),
        path_regex: Some(String::from("^/oauth/revoke$")),
    };
    world
        .gitlab
        .faults()
        .add(revoked, Fault::Latency { ms: 1 }, None)
        .unwrap();
    world.turn().await;
    assert_eq!(world.gitlab.faults().list().last().map(|rule| rule.hits), Some(1));
    assert!(!world.is_authorized(id).await);
    world.authorize(id).await.unwrap();
    world.gitlab.shutdown().await;
}

pub async fn only_people_authorize_and_only_what_they_manage(world: World) {
    let (id, _) = world.waiting("By OAuth").await;
    let by_token = world.connection().await;
    let refused = oauth::authorize(&world.ctx(), ORG, id).await;
    assert!(
        matches!(
            refused,
            Err(Error::Refused {
                code: "no_session",
                ..
            })
        ),
        "{refused:?}"
    );
    let refused = oauth::authorize(&world.here(), ORG, by_token).await;
    assert!(
        matches!(refused, Err(Error::Refused { code: "by_token", .. })),
        "{refused:?}"
    );
    let member = world.member("mia", Role::ProjectLead).await;
    let mia = world.in_session(&member, "a browser");
    let application = world.register("Mia's", &["api"]);
    assert!(matches!(
        oauth::authorize(&mia, ORG, id).await,
        Err(Error::Forbidden(_))
    ));
    let made = oauth::create(&mia, ORG, world.input("Mia's", &application)).await;
    assert!(matches!(made, Err(Error::Forbidden(_))), "{made:?}");
    let edited = oauth::edit(&mia, ORG, id, world.input("Mia's", &application)).await;
    assert!(matches!(edited, Err(Error::Forbidden(_))), "{edited:?}");
    let stranger = account(&world, "sue").await;
    let sue = world.in_session(&stranger, "a browser");
    assert!(matches!(
        oauth::authorize(&sue, ORG, id).await,
        Err(Error::NotFound)
    ));

    // Neither kind becomes the other.
    let input = connection::Input {
        name: String::from("Token"),
        base_url: world.gitlab.url(),
        token: String::from("glpat-any"),
    };
    let edited = connection::edit(&world.ctx(), ORG, id, input).await;
    assert!(
        matches!(edited, Err(Error::Refused { code: "by_oauth", .. })),
        "{edited:?}"
    );
    let edited = oauth::edit(&world.ctx(), ORG, by_token, world.input("X", &application)).await;
    assert!(
        matches!(edited, Err(Error::Refused { code: "by_token", .. })),
        "{edited:?}"
    );
    world.gitlab.shutdown().await;
}

pub async fn what_is_typed_is_checked(world: World) {
    let application = world.register("By OAuth", &["api"]);
    let good = world.input("By OAuth", &application);
    let cases = [
        (
            "name",
            Input {
                name: String::from(" "),
                ..good.clone()
            },
        ),
        (
            "base_url",
            Input {
                base_url: String::from("gitlab"),
                ..good.clone()
            },
        ),
        (
            "base_url",
            Input {
                base_url: String::from("http://169.254.169.254"),
                ..good.clone()
            },
        ),
        (
            "application_id",
            Input {
                application_id: String::new(),
                ..good.clone()
            },
        ),
        (
            "application_id",
            Input {
                application_id: String::from("a b"),
                ..good.clone()
            },
        ),
        (
            "application_secret",
            Input {
                application_secret: String::from(" "),
                ..good.clone()
            },
        ),
        (
            "application_secret",
            Input {
                application_secret: "x".repeat(501),
                ..good.clone()
            },
        ),
    ];
    for (field, input) in cases {
        let refused = oauth::create(&world.ctx(), ORG, input).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == field),
            "{field}: {refused:?}"
        );
    }
    let id = oauth::create(&world.ctx(), ORG, good.clone()).await.unwrap();
    let taken = oauth::create(&world.ctx(), ORG, good).await;
    assert!(
        matches!(&taken, Err(Error::Invalid(fields)) if fields[0].field == "name"),
        "{taken:?}"
    );
    let url = oauth::authorize(&world.here(), ORG, id).await.unwrap();
    for part in ["code_challenge_method=S256", "response_type=code", "scope=api"] {
        assert!(url.contains(part), "{url}");
    }
    assert!(!url.contains(&application.secret));
    assert!(press(&url, USERNAME).await.code.is_some());
    world.gitlab.shutdown().await;
}
