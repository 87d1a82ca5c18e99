//! One's own account over HTTP: sessions, the password, the second step.

use crate::scene::{PASSWORD, Scene};
use slipway_domain::access::Role;
use slipway_domain::approval::{ApprovalPolicy, ApprovalRule, Eligible};
use slipway_domain::factor::Factor;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, SECOND};
use slipway_portal::{environment, factor};

const SESSION: &str = "slipway_session";
const HALF: &str = "slipway_half";

async fn signs_in(scene: &Scene, username: &str) -> String {
    let form = format!(
        "username={username}&password={}&next=/me",
        PASSWORD.replace(' ', "+")
    );
    let answer = scene.post_form("/sign-in", &form, "/sign-in", None).await;
    answer.cookie(SESSION).expect("a session")
}

async fn status(scene: &Scene, cookie: &str) -> u16 {
    scene.get("/api/v1/me", Some(cookie)).await.status.as_u16()
}

#[tokio::test]
async fn a_session_that_is_ended_on_the_page_is_worth_nothing_at_once() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    let (here, there) = (signs_in(&scene, "pat").await, signs_in(&scene, "pat").await);
    assert_eq!(
        (status(&scene, &here).await, status(&scene, &there).await),
        (200, 200)
    );
    let list = scene.get("/api/fn/me/sessions", Some(&here)).await.json();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 2);
    let id = here.split_once('=').unwrap().1;
    for session in list {
        assert!(
            !session.to_string().contains(id),
            "no id that signs in is on the page"
        );
    }
    let other = list.iter().find(|s| s["current"] == false).unwrap();
    let form = format!("session={}", other["key"].as_str().unwrap());
    let stranger = scene.session("vic").await;
    scene
        .post("/api/fn/me/revoke_session", &form, Some(&stranger))
        .await;
    assert_eq!(status(&scene, &there).await, 200, "nobody ends another's session");
    let answer = scene
        .post_form("/api/fn/me/revoke_session", &form, "/me/sessions", Some(&here))
        .await;
    assert_eq!(answer.header("location"), "/me/sessions");
    assert_eq!(
        (status(&scene, &here).await, status(&scene, &there).await),
        (200, 401)
    );
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_a_refusal_keeps_nothing_secret() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    let (here, there) = (signs_in(&scene, "pat").await, signs_in(&scene, "pat").await);
    let change = async |form: &str| {
        scene
            .post_form("/api/fn/me/password", form, "/me/security", Some(&here))
            .await
    };
    change("password=not-it&new_password=battery+staple").await;
    let page = scene.page("/me/security", Some(&here)).await;
    assert!(page.body.contains("this is not your password"), "{}", page.body);
    assert!(!page.body.contains("not-it") && !page.body.contains("battery"));
    assert_eq!(status(&scene, &there).await, 200);
    change("password=correct+horse&new_password=battery+staple").await;
    assert_eq!(
        (status(&scene, &here).await, status(&scene, &there).await),
        (200, 401)
    );
}

/// Switches the second step of `pat` on; answers with the recovery codes.
async fn with_factor(scene: &Scene, cookie: &str) -> Vec<String> {
    let begun = scene.post("/api/fn/me/begin_factor", "", Some(cookie)).await;
    assert_eq!(begun.status, 200);
    let security = scene.get("/api/fn/me/security", Some(cookie)).await.json();
    let secret = security["security"]["factor"]["Pending"]["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let code = slipway_testkit::Authenticator::of(&secret).code(scene.portal.clock.now());
    let form = format!("code={code}");
    let answer = scene
        .post_form("/api/fn/me/confirm_factor", &form, "/me/security", Some(cookie))
        .await;
    assert_eq!(answer.header("location"), "/me/security");
    let page = scene.page("/me/security", Some(cookie)).await.body;
    let codes: Vec<String> = page
        .split("<code>")
        .skip(1)
        .filter_map(|rest| rest.split_once('<'))
        .map(|(code, _)| code.to_owned())
        .filter(|code| code.len() == 19)
        .collect();
    assert_eq!(codes.len(), 10, "{page}");
    let again = scene.page("/me/security", Some(cookie)).await.body;
    assert!(!again.contains(&codes[0]), "recovery codes are shown once");
    assert!(!again.contains(&secret), "the secret is not shown again");
    let files = ["test.db", "test.db-wal"].map(|name| std::fs::read(scene.folder.path().join(name)).unwrap());
    for bytes in files {
        assert!(
            !String::from_utf8_lossy(&bytes).contains(&codes[0]),
            "only hashes are kept"
        );
    }
    codes
}

#[tokio::test]
async fn a_password_alone_begins_no_session_where_a_second_step_is_on() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    let here = signs_in(&scene, "pat").await;
    let codes = with_factor(&scene, &here).await;
    let form = "username=pat&password=correct+horse&next=/approvals";
    let half = scene.post_form("/sign-in", form, "/sign-in", None).await;
    assert_eq!(
        (half.status.as_u16(), half.header("location")),
        (303, "/sign-in/code")
    );
    assert!(half.cookie(SESSION).is_none());
    let cookie = half.cookie(HALF).unwrap();
    assert_eq!(status(&scene, &cookie).await, 401);
    let wrong = scene
        .post_form("/sign-in/code", "code=000000", "/sign-in/code", Some(&cookie))
        .await;
    assert_eq!(wrong.header("location"), "/sign-in/code");
    let both = format!("{cookie}; {}", wrong.cookie(SESSION).unwrap());
    let page = scene.page("/sign-in/code", Some(&both)).await;
    assert!(page.body.contains("this code is wrong"), "{}", page.body);

    let form = format!("code={}", codes[0]);
    let right = scene
        .post_form("/sign-in/code", &form, "/sign-in/code", Some(&cookie))
        .await;
    assert_eq!(right.header("location"), "/approvals");
    assert_eq!(status(&scene, &right.cookie(SESSION).unwrap()).await, 200);
    let replayed = scene
        .post_form("/sign-in/code", &form, "/sign-in/code", Some(&cookie))
        .await;
    assert_eq!(replayed.header("location"), "/sign-in/code", "a code works once");

    scene.clock.advance(11 * MINUTE);
    let form = format!("code={}", codes[1]);
    let late = scene
        .post_form("/sign-in/code", &form, "/sign-in/code", Some(&cookie))
        .await;
    assert_eq!(late.header("location"), "/sign-in?error=expired");
    let forged = format!("{HALF}=0000.AAAA.BBBB");
    let made_up = scene
        .post_form("/sign-in/code", &form, "/sign-in/code", Some(&forged))
        .await;
    assert_eq!(made_up.header("location"), "/sign-in?error=expired");
}

#[tokio::test]
async fn what_is_hard_to_take_back_asks_again_who_it_is() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    let here = signs_in(&scene, "pat").await;
    scene.clock.advance(16 * MINUTE);
    let refused = scene.post("/api/fn/me/begin_factor", "", Some(&here)).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["code"].as_str()),
        (422, Some("step_up"))
    );
    let page = scene.page("/me/security", Some(&here)).await.body;
    assert!(page.contains("/me/confirm"), "the page says so before one tries");
    scene
        .post("/api/fn/me/prove", "password=wrong", Some(&here))
        .await;
    assert_eq!(
        scene
            .post("/api/fn/me/begin_factor", "", Some(&here))
            .await
            .status,
        422
    );
    scene
        .post("/api/fn/me/prove", "password=correct+horse", Some(&here))
        .await;
    assert_eq!(
        scene
            .post("/api/fn/me/begin_factor", "", Some(&here))
            .await
            .status,
        200
    );
    scene.clock.advance(SECOND);
    let person = slipway_portal::person::by_username(&scene.portal.system("test"), "pat")
        .await
        .unwrap();
    let ctx = scene.portal.ctx(
        slipway_portal::Actor::User(person),
        slipway_portal::Via::Web,
        "test",
        slipway_domain::text::Locale::En,
    );
    assert!(matches!(
        factor::security(&ctx).await.unwrap().factor,
        Factor::Pending(_)
    ));
}

#[tokio::test]
async fn an_approval_asks_again_who_it_is_where_the_rules_say_so() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let ada = scene.ctx("ada");
    let list = environment::list(&ada, "acme", "checkout").await.unwrap();
    let live = list
        .environments
        .iter()
        .find(|e| e.environment.key == "live")
        .unwrap();
    let policy = ApprovalPolicy {
        rules: vec![ApprovalRule {
            id: String::from("ops"),
            name: Text::verbatim("ops"),
            eligible: vec![
                Eligible::Role(Role::ProjectOwner),
                Eligible::Role(Role::ProjectLead),
            ],
            required: 1,
        }],
        step_up: true,
        ..live.policy.clone()
    };
    let input = environment::Input {
        key: live.environment.key.clone(),
        name: live.environment.name.clone(),
        tier: live.environment.tier,
        binding: live.binding.as_ref().map(|b| (b.cluster, b.namespace.clone())),
        branches: live.branches.clone(),
        policy,
        gating: slipway_domain::environment::Gating::default(),
    };
    environment::edit(&ada, "acme", "checkout", "live", live.version, input)
        .await
        .unwrap();
    let view = slipway_portal::promotion::view(&scene.ctx("devon"), places.promotion)
        .await
        .unwrap();
    let devon = scene.session("devon").await;
    let decide = async |verdict: &str| {
        let form = format!(
            "id={}&subject={}&decision={verdict}&comment=no",
            places.promotion, view.subject
        );
        scene.post("/api/fn/promotion/decide", &form, Some(&devon)).await
    };
    scene.clock.advance(16 * MINUTE);
    let refused = decide("approve").await;
    assert_eq!(refused.json()["code"], "step_up", "{}", refused.body);
    assert_eq!(
        decide("reject").await.status,
        200,
        "to stop something needs no proof"
    );
}
