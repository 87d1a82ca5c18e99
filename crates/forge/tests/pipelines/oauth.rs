//! Connections that get in by OAuth: made, authorized, kept fresh, ended and taken back, on both databases, against the
//! sandbox's GitLab.

use crate::world::{ORG, PROJECT, World};
use slipway_domain::audit::{AuditRow, Outcome};
use slipway_domain::connection::{Connection, Oauth};
use slipway_domain::id::ConnectionId;
use slipway_domain::person::PersonRef;
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::{MINUTE, SECOND};
use slipway_forge::GitlabConnector;
use slipway_portal::connection::oauth::{self, Came, ComingBack, Input};
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{ConnectionRecord, OauthApplication, Tx};
use slipway_portal::{
    Actor, Error, InSession, OpCtx, Portal, Result, Via, audit, connection, place, repository,
};
use slipway_sandbox::faults::{Fault, FaultMatch};
use slipway_store::SqlStore;
use slipway_testkit::{Unconnected, portal};
use std::sync::Arc;

pub const CALLBACK: &str = "http://127.0.0.1:3000/connections/gitlab/callback";

on_both! {
    a_connection_is_authorized_and_works_like_any_other,
    a_token_is_renewed_before_it_ends,
    a_token_that_gitlab_takes_no_longer_is_renewed,
    workers_that_need_a_token_at_once_renew_it_once,
    a_revoked_authorization_says_so_and_is_given_again,
    a_gitlab_that_does_not_answer_ends_nothing,
    a_wrong_secret_is_said_and_mended,
    what_a_dead_worker_took_along_has_to_be_authorized_again,
    a_connection_that_goes_takes_its_tokens_back,
    a_narrow_authorization_lacks_a_scope,
}

/// An application that is registered at the sandbox.
pub struct Registered {
    pub id: String,
    pub secret: String,
}

impl World {
    pub fn register(&self, name: &str, scopes: &[&str]) -> Registered {
        let (id, secret) = self.gitlab.seed_application(name, CALLBACK, scopes);
        Registered { id, secret }
    }

    pub fn input(&self, name: &str, application: &Registered) -> Input {
        Input {
            name: name.to_owned(),
            base_url: self.gitlab.url(),
            application_id: application.id.clone(),
            application_secret: application.secret.clone(),
        }
    }

    /// A connection that nobody has authorized, and its application.
    pub async fn waiting(&self, name: &str) -> (ConnectionId, Registered) {
        let application = self.register(name, &["api"]);
        let input = self.input(name, &application);
        let id = oauth::create(&self.ctx(), ORG, input)
            .await
            .expect("a connection");
        (id, application)
    }

    /// A connection that the owner has authorized as `root`, and its application.
    pub async fn authorized(&self, name: &str) -> (ConnectionId, Registered) {
        let (id, application) = self.waiting(name).await;
        self.authorize(id).await.expect("it is authorized");
        (id, application)
    }

    /// The whole way to GitLab and back.
    pub async fn authorize(&self, id: ConnectionId) -> Result<Came> {
        let ctx = self.in_session(&self.owner, "a browser");
        let back = self.leave(&ctx, id, ("username", "root")).await;
        oauth::come_back(&ctx, back).await.came
    }

    pub fn in_session(&self, person: &PersonRef, key: &str) -> OpCtx {
        let ctx = self
            .portal
            .ctx(Actor::User(person.clone()), Via::Web, "test", Locale::En);
        ctx.in_session(InSession {
            key: Arc::from(key),
            proved_at: ctx.now(),
        })
    }

    /// Sends somebody to GitLab, where they press a button; what they come back with.
    pub async fn leave(&self, ctx: &OpCtx, id: ConnectionId, button: (&str, &str)) -> ComingBack {
        let url = oauth::authorize(ctx, ORG, id).await.expect("an address");
        press(&url, button).await
    }

    pub async fn record(&self, id: ConnectionId) -> ConnectionRecord {
        let org = connection::list(&self.ctx(), ORG).await.expect("a list").org.id;
        let mut tx = self.read().await;
        tx.connection(org, id)
            .await
            .expect("it answers")
            .expect("it is there")
    }

    async fn read(&self) -> Box<dyn Tx> {
        self.portal.store.read().await.expect("a reader")
    }

    /// The access token and the refresh token that are kept.
    pub async fn tokens(&self, id: ConnectionId) -> (String, String) {
        let tokens = self
            .record(id)
            .await
            .grant
            .and_then(|grant| grant.tokens)
            .expect("tokens");
        let open = |what: &str, sealed: &str| {
            let context = format!("{what} token of connection {id}");
            self.portal.sealer.open(&context, sealed).expect("it opens")
        };
        (open("access", &tokens.access), open("refresh", &tokens.refresh))
    }

    /// What GitLab says to a token.
    pub async fn status_of(&self, token: &str) -> u16 {
        let url = format!("{}/api/v4/user", self.gitlab.url());
        let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await;
        answer.expect("the sandbox answers").status().as_u16()
    }

    pub async fn shown(&self, id: ConnectionId) -> (Connection, Oauth) {
        let list = connection::list(&self.ctx(), ORG).await.expect("a list");
        let one = list
            .connections
            .into_iter()
            .find(|one| one.id == id)
            .expect("it is there");
        let oauth = one.oauth.clone().expect("by OAuth");
        (one, oauth)
    }

    /// Uses the connection as the pages do; what people are told where it does not work.
    async fn used(&self, portal: &Portal, id: ConnectionId) -> Result<(), Text> {
        let ctx = portal.ctx(Actor::User(self.owner.clone()), Via::Web, "test", Locale::En);
        match repository::choices(&ctx, ORG, PROJECT, "storefront", Some(id), None).await {
            Ok(found) => {
                assert!(!found.is_empty());
                Ok(())
            }
            Err(Error::Unavailable { code: "gitlab", text }) => Err(text),
            Err(other) => panic!("{other:?}"),
        }
    }

    pub async fn use_it(&self, id: ConnectionId) -> Result<(), Text> {
        self.used(&self.portal, id).await
    }

    /// From now on counts what is asked of the endpoint for tokens; each is answered `ms` late.
    fn count(&self, ms: u64) -> Count<'_> {
        Count(self, self.slow("^/oauth/token$", Fault::Latency { ms }))
    }

    fn slow(&self, path: &str, fault: Fault) -> u64 {
        let post = FaultMatch {
            method: Some(String::from("POST")),
            path_regex: Some(path.to_owned()),
        };
        self.gitlab.faults().add(post, fault, None).expect("a rule")
    }

    pub async fn audited(&self) -> Vec<AuditRow> {
        let query = audit::Query {
            org: ORG.to_owned(),
            action: Some(String::from("connection")),
            ..audit::Query::default()
        };
        let (_, mut rows) = audit::read(&self.ctx(), &query).await.expect("the log");
        rows.reverse();
        rows
    }

    /// Slipway's other replica, on the same database.
    async fn replica(&self) -> Portal {
        let store = SqlStore::connect(&self.database)
            .await
            .expect("the database opens");
        let forges = GitlabConnector::new(Outgoing::with_loopback());
        let clock = Arc::new(self.clock.clone());
        portal(Arc::new(store), clock, Arc::new(forges), Arc::new(Unconnected))
    }

    /// Ends an authorization at GitLab, as its owner can on their page of authorized applications.
    async fn revoke_at_gitlab(&self, application: &Registered, token: &str) {
        let form = [
            ("client_id", application.id.as_str()),
            ("client_secret", &application.secret),
            ("token", token),
        ];
        let url = format!("{}/oauth/revoke", self.gitlab.url());
        let answer = reqwest::Client::new().post(url).form(&form).send().await;
        assert_eq!(answer.expect("the sandbox answers").status(), 200);
    }
}

/// How often GitLab was asked for tokens.
struct Count<'w>(&'w World, u64);

impl Count<'_> {
    fn hits(&self) -> u64 {
        let rules = self.0.gitlab.faults().list();
        rules
            .iter()
            .find(|rule| rule.id == self.1)
            .expect("the rule")
            .hits
    }
}

/// Opens GitLab's page and presses a button of it, in a browser that follows nothing.
pub async fn press(url: &str, button: (&str, &str)) -> ComingBack {
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let mut answer = http.get(url).send().await.expect("the sandbox answers");
    if answer.status() == 200 {
        let (page, query) = url.split_once('?').expect("a query");
        let mut form: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        form.push((button.0.to_owned(), button.1.to_owned()));
        answer = http
            .post(page)
            .form(&form)
            .send()
            .await
            .expect("the sandbox answers");
    }
    assert_eq!(answer.status(), 302);
    let to = answer.headers()["location"].to_str().expect("text").to_owned();
    let (back, query) = to.split_once('?').expect("a query");
    assert_eq!(back, CALLBACK);
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let find = |name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    ComingBack {
        state: find("state").unwrap_or_default(),
        code: find("code"),
        error: find("error"),
    }
}

pub async fn a_connection_is_authorized_and_works_like_any_other(world: World) {
    let (id, application) = world.waiting("By OAuth").await;
    world.app("storefront").await;
    let refused = world.use_it(id).await.unwrap_err();
    assert!(
        refused.en.contains("Nobody has authorized this connection"),
        "{refused:?}"
    );
    let (one, oauth) = world.shown(id).await;
    assert!(oauth.authorized.is_none() && !oauth.in_force && one.last_ok_at.is_none());

    let came = world.authorize(id).await.unwrap();
    assert_eq!(
        (came.connection.as_str(), came.username.as_str()),
        ("By OAuth", "root")
    );
    let (one, oauth) = world.shown(id).await;
    let by = oauth.authorized.expect("somebody");
    assert_eq!(
        (by.username.as_str(), by.by.as_str(), oauth.in_force),
        ("root", "Dana", true)
    );
    let report = one.report.expect("it was tested by the way");
    assert_eq!(
        (report.username.as_deref(), report.missing.len(), report.trouble),
        (Some("root"), 0, None)
    );
    assert!(one.trouble.is_none() && one.last_ok_at.is_some());

    let repository = world.sample("storefront");
    repository::connect(&world.ctx(), ORG, PROJECT, "storefront", Some(id), repository)
        .await
        .unwrap();
    let hooks = world
        .call(
            "GET",
            &format!("projects/{repository}/hooks"),
            serde_json::Value::Null,
        )
        .await;
    assert_eq!(hooks.as_array().map(Vec::len), Some(1), "the webhook is there");
    let report = connection::test(&world.ctx(), ORG, id).await.unwrap();
    assert_eq!(
        (report.username.as_deref(), report.expires_at, report.trouble),
        (Some("root"), None, None)
    );

    let rows = world.audited().await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.action.as_str(), row.actor.as_str(), row.outcome))
        .collect();
    assert_eq!(
        told,
        [
            ("connection.create", "Dana", Outcome::Done),
            ("connection.authorize", "Dana", Outcome::Done),
        ]
    );
    assert_eq!(rows[1].summary["gitlab_user"], "root");
    let (access, refresh) = world.tokens(id).await;
    let kept = format!("{:?} {rows:?}", world.record(id).await);
    for secret in [&access, &refresh, &application.secret] {
        assert!(!kept.contains(secret.as_str()), "a secret is in the open");
    }
    world.gitlab.shutdown().await;
}

pub async fn a_token_is_renewed_before_it_ends(world: World) {
    let (id, _) = world.authorized("By OAuth").await;
    world.app("storefront").await;
    let (first, _) = world.tokens(id).await;
    let count = world.count(1);
    world.clock.advance(114 * MINUTE);
    world.use_it(id).await.unwrap();
    assert_eq!(count.hits(), 0, "six minutes are left");
    world.clock.advance(MINUTE);
    world.use_it(id).await.unwrap();
    world.use_it(id).await.unwrap();
    assert_eq!(count.hits(), 1, "five are not");
    let (second, _) = world.tokens(id).await;
    assert_ne!(first, second);
    assert_eq!(
        (world.status_of(&first).await, world.status_of(&second).await),
        (401, 200)
    );
    world.clock.advance(116 * MINUTE);
    world.use_it(id).await.unwrap();
    assert_eq!(count.hits(), 2, "and again, by the new refresh token");
    world.gitlab.shutdown().await;
}

pub async fn a_token_that_gitlab_takes_no_longer_is_renewed(world: World) {
    let (id, _) = world.authorized("By OAuth").await;
    world.app("storefront").await;
    let count = world.count(1);
    world.gitlab.pass(7200);
    world.use_it(id).await.unwrap();
    assert_eq!(
        count.hits(),
        1,
        "GitLab's clock is ahead: its refusal is what counts"
    );
    let (one, _) = world.shown(id).await;
    assert_eq!(one.trouble, None);
    world.use_it(id).await.unwrap();
    assert_eq!(count.hits(), 1);
    world.gitlab.shutdown().await;
}

pub async fn workers_that_need_a_token_at_once_renew_it_once(world: World) {
    let (id, _) = world.authorized("By OAuth").await;
    world.app("storefront").await;
    let other = world.replica().await;
    let count = world.count(400);
    let at_once = async || {
        let (a, b, c, d) = tokio::join!(
            world.use_it(id),
            world.used(&other, id),
            world.use_it(id),
            world.used(&other, id)
        );
        for used in [a, b, c, d] {
            used.unwrap();
        }
    };
    world.clock.advance(116 * MINUTE);
    at_once().await;
    assert_eq!(count.hits(), 1, "ahead of its end");
    world.clock.advance(121 * MINUTE);
    world.gitlab.pass(7300);
    at_once().await;
    assert_eq!(count.hits(), 2, "after its end, where nobody can go on without");
    world.gitlab.pass(7300);
    at_once().await;
    assert_eq!(count.hits(), 3, "on GitLab's refusal");
    world.gitlab.shutdown().await;
}

pub async fn a_revoked_authorization_says_so_and_is_given_again(world: World) {
    let (id, application) = world.authorized("By OAuth").await;
    world.app("storefront").await;
    let (_, refresh) = world.tokens(id).await;
    world.revoke_at_gitlab(&application, &refresh).await;
    let count = world.count(1);
    for _ in 0..2 {
        let said = world.use_it(id).await.unwrap_err();
        assert!(said.en.contains("authorize the connection again"), "{said:?}");
        assert!(
            said.en.contains("Dana") && said.en.contains("@root") && said.zh.contains("重新授权"),
            "{said:?}"
        );
    }
    assert_eq!(count.hits(), 1, "what was refused for good is not asked again");
    let (one, oauth) = world.shown(id).await;
    assert!(
        one.trouble
            .is_some_and(|text| text.en.contains("authorize the connection again"))
    );
    assert!(!oauth.in_force && oauth.authorized.is_some());
    let report = connection::test(&world.ctx(), ORG, id).await.unwrap();
    assert!(report.trouble.is_some_and(|text| text.en.contains("again")));
    let rows = world.audited().await;
    let ended: Vec<_> = rows
        .iter()
        .filter(|row| row.action == "connection.renew")
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (ended[0].outcome, ended[0].actor.as_str()),
        (Outcome::Failed, "slipway")
    );

    world.authorize(id).await.unwrap();
    world.use_it(id).await.unwrap();
    let (one, oauth) = world.shown(id).await;
    assert!(one.trouble.is_none() && oauth.in_force);
    world.gitlab.shutdown().await;
}

pub async fn a_gitlab_that_does_not_answer_ends_nothing(world: World) {
    let (id, _) = world.authorized("By OAuth").await;
    world.app("storefront").await;
    let dropped = world.slow("^/oauth/token$", Fault::Drop);
    let hits = || {
        let rules = world.gitlab.faults().list();
        rules
            .iter()
            .find(|rule| rule.id == dropped)
            .expect("the rule")
            .hits
    };
    world.clock.advance(116 * MINUTE);
    world.use_it(id).await.unwrap();
    world.use_it(id).await.unwrap();
    assert_eq!(hits(), 1, "the token still does, and GitLab is given a pause");
    world.clock.advance(5 * MINUTE);
    let said = world.use_it(id).await.unwrap_err();
    assert!(said.en.contains("GitLab does not answer"), "{said:?}");
    let said = world.use_it(id).await.unwrap_err();
    assert!(said.en.contains("GitLab does not answer"), "{said:?}");
    assert_eq!(hits(), 2);
    assert!(world.shown(id).await.1.in_force, "nothing is over");
    world.gitlab.faults().clear();
    world.clock.advance(11 * SECOND);
    world.use_it(id).await.unwrap();
    assert_eq!(world.shown(id).await.0.trouble, None);
    let rows = world.audited().await;
    assert!(rows.iter().all(|row| row.outcome == Outcome::Done), "{rows:?}");
    world.gitlab.shutdown().await;
}

pub async fn a_wrong_secret_is_said_and_mended(world: World) {
    let application = world.register("By OAuth", &["api"]);
    let wrong = Registered {
        id: application.id.clone(),
        secret: String::from("gloas-wrong"),
    };
    let ctx = world.ctx();
    let id = oauth::create(&ctx, ORG, world.input("By OAuth", &wrong))
        .await
        .unwrap();
    world.app("storefront").await;
    let refused = world.authorize(id).await;
    assert!(
        matches!(&refused, Err(Error::Refused { code: "wrong_application", text }) if text.en.contains("id and secret")),
        "{refused:?}"
    );
    oauth::edit(&ctx, ORG, id, world.input("By OAuth", &application))
        .await
        .unwrap();
    world.authorize(id).await.unwrap();

    // Somebody renews the secret at GitLab, and enters it late.
    oauth::edit(&ctx, ORG, id, world.input("By OAuth", &wrong))
        .await
        .unwrap();
    world.use_it(id).await.unwrap();
    world.clock.advance(121 * MINUTE);
    world.gitlab.pass(7300);
    for _ in 0..2 {
        let said = world.use_it(id).await.unwrap_err();
        assert!(said.en.contains("does not know the application"), "{said:?}");
    }
    assert!(world.shown(id).await.1.in_force, "the authorization still is");
    oauth::edit(&ctx, ORG, id, world.input("By OAuth", &application))
        .await
        .unwrap();
    world.use_it(id).await.unwrap();
    world.gitlab.shutdown().await;
}

pub async fn what_a_dead_worker_took_along_has_to_be_authorized_again(world: World) {
    let (id, application) = world.authorized("By OAuth").await;
    world.app("storefront").await;
    let (_, refresh) = world.tokens(id).await;
    world.clock.advance(121 * MINUTE);
    // A worker claims the renewal, is given new tokens, and dies before it has written them down.
    let now = world.ctx().now();
    let version = world.record(id).await.grant.expect("a grant").version;
    let mut tx = world.portal.store.write().await.unwrap();
    let until = now.plus(MINUTE);
    assert!(tx.claim_renewal(id, version, "dead", now, until).await.unwrap());
    tx.commit().await.unwrap();
    let asked = OauthApplication {
        base_url: world.gitlab.url(),
        id: application.id.clone(),
        secret: application.secret.clone(),
    };
    world
        .portal
        .forges
        .refresh(&asked, &refresh, CALLBACK)
        .await
        .unwrap();

    world.clock.advance(MINUTE);
    let said = world.use_it(id).await.unwrap_err();
    assert!(said.en.contains("authorize the connection again"), "{said:?}");
    world.authorize(id).await.unwrap();
    world.use_it(id).await.unwrap();
    world.gitlab.shutdown().await;
}

pub async fn a_connection_that_goes_takes_its_tokens_back(world: World) {
    let (id, application) = world.authorized("By OAuth").await;
    let (first, _) = world.tokens(id).await;
    world.authorize(id).await.unwrap();
    let (second, _) = world.tokens(id).await;
    world.turn().await;
    assert_eq!(world.status_of(&first).await, 401, "authorized anew");
    assert_eq!(world.status_of(&second).await, 200);

    // Another application or address needs its own secret, and its own authorization.
    let ctx = world.ctx();
    let bare = Input {
        application_secret: String::new(),
        base_url: format!("{}/sub", world.gitlab.url()),
        ..world.input("By OAuth", &application)
    };
    let refused = oauth::edit(&ctx, ORG, id, bare.clone()).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == "application_secret"),
        "{refused:?}"
    );
    let renamed = Input {
        name: String::from("Renamed"),
        application_secret: String::new(),
        ..world.input("By OAuth", &application)
    };
    oauth::edit(&ctx, ORG, id, renamed).await.unwrap();
    world.turn().await;
    assert_eq!(world.status_of(&second).await, 200, "a name is no reason");
    let other = world.register("Other", &["api"]);
    oauth::edit(&ctx, ORG, id, world.input("Renamed", &other))
        .await
        .unwrap();
    world.turn().await;
    assert_eq!(world.status_of(&second).await, 401);
    let (_, oauth) = world.shown(id).await;
    assert!(!oauth.in_force && oauth.authorized.is_none() && oauth.application_id == other.id);

    // Removed, while GitLab is away: it is asked until it answers.
    world.authorize(id).await.unwrap();
    let (third, _) = world.tokens(id).await;
    world.slow("^/oauth/revoke$", Fault::Drop);
    connection::remove(&ctx, ORG, id).await.unwrap();
    world.turn().await;
    assert_eq!(world.status_of(&third).await, 200);
    world.gitlab.faults().clear();
    world.clock.advance(11 * MINUTE);
    world.turn().await;
    assert_eq!(world.status_of(&third).await, 401);
    let rows = world.audited().await;
    assert_eq!(
        rows.last().map(|row| row.action.as_str()),
        Some("connection.remove")
    );

    // And with its organization.
    let (id, _) = world.authorized("Last").await;
    let (last, _) = world.tokens(id).await;
    place::delete(&ctx, ORG, None, None, "Acme").await.unwrap();
    world.turn().await;
    assert_eq!(world.status_of(&last).await, 401);
    world.gitlab.shutdown().await;
}

pub async fn a_narrow_authorization_lacks_a_scope(world: World) {
    let (id, application) = world.authorized("By OAuth").await;
    world.app("storefront").await;
    // What GitLab would give, had somebody narrowed the scopes of its page.
    let narrow = world.register("Narrow", &["read_api"]);
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let asking = slipway_portal::ports::AskingGrant {
        base_url: &world.gitlab.url(),
        application: &narrow.id,
        redirect_uri: CALLBACK,
        scope: "read_api",
        state: "s",
        challenge,
    };
    let url = world.portal.forges.authorize_url(&asking).unwrap();
    let back = press(&url, ("username", "root")).await;
    let asked = OauthApplication {
        base_url: world.gitlab.url(),
        id: narrow.id.clone(),
        secret: narrow.secret.clone(),
    };
    let code = slipway_portal::ports::CodeGrant {
        code: &back.code.unwrap(),
        // The pair of RFC 7636, appendix B.
        verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        redirect_uri: CALLBACK,
    };
    let tokens = world.portal.forges.redeem(&asked, &code).await.unwrap();
    let record = world.record(id).await;
    let version = record.grant.expect("a grant").version;
    let seal = |what: &str, text: &str| {
        world
            .portal
            .sealer
            .seal(&format!("{what} token of connection {id}"), text)
    };
    let new = slipway_portal::ports::NewGrant {
        tokens: slipway_portal::ports::SealedTokens {
            access: seal("access", &tokens.access),
            refresh: seal("refresh", &tokens.refresh.unwrap()),
            renew_at: None,
            ends_at: None,
        },
        username: String::from("root"),
        by: world.owner.id,
        at: world.ctx().now(),
    };
    let mut tx = world.portal.store.write().await.unwrap();
    tx.authorize_grant(record.org, id, version, &new).await.unwrap();
    tx.commit().await.unwrap();
    let report = connection::test(&world.ctx(), ORG, id).await.unwrap();
    assert_eq!(
        (report.username.as_deref(), report.missing),
        (Some("root"), vec![String::from("api")])
    );
    assert!(
        report
            .trouble
            .is_some_and(|text| text.en.contains("authorize the connection again"))
    );
    assert_ne!(narrow.id, application.id);
    world.gitlab.shutdown().await;
}
