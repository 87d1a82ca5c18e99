//! Webhooks on the wire: what a receiver gets, and what becomes of each of its answers. On SQLite and PostgreSQL.

mod receiver;
mod world;

use receiver::{Answer, Receiver};
use slipway_courier::HttpCourier;
use slipway_domain::message::{ANSWER_MAX, MessageState};
use slipway_domain::time::{DAY, HOUR, MINUTE, SECOND};
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{Courier as _, CourierError, Parcel};
use slipway_portal::subscriber::{self, signature};
use slipway_portal::{audit, jobs};
use std::collections::BTreeSet;
use std::time::Instant;
use world::{ACME, KEY, PATIENCE, World};

macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (store, _folder) = crate::world::sqlite().await;
                crate::$test(crate::World::new(store).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(store) = crate::world::postgres().await {
                    crate::$test(crate::World::new(store).await).await;
                }
            })+
        }
    };
}

on_both! {
    what_is_sent_is_signed_and_what_came_back_is_kept,
    a_failure_is_tried_again_with_the_same_id,
    a_receiver_that_is_gone_is_switched_off,
    a_receiver_that_hangs_is_not_waited_for,
    a_redirect_is_not_followed,
    a_receiver_may_ask_for_more_time,
    both_secrets_sign_for_a_day,
    two_workers_never_send_one_try_twice,
    an_endless_answer_is_cut,
    what_cannot_be_signed_is_not_sent,
}

async fn what_cannot_be_signed_is_not_sent(mut world: World) {
    let receiver = Receiver::new([Answer::status(200)]).await;
    let (id, _) = world.subscribe(&receiver).await;
    world.restart_with("another key than the secret was sealed with");
    world.send(id).await;
    assert!(receiver.requests().is_empty());
    let kept = world.only(id).await;
    assert_eq!((kept.state, kept.status), (MessageState::Waiting, None));
    let shown = subscriber::message(&world.ctx(), ACME, id, kept.id)
        .await
        .unwrap();
    let why = shown.message.trouble.map(|why| why.en).unwrap_or_default();
    assert!(why.contains("signing secret"), "{why}");
    world.restart_with(KEY);
    world.clock.advance(MINUTE);
    world.work().await;
    assert_eq!(receiver.requests().len(), 1, "with the key back it is sent");
    assert_eq!(world.only(id).await.state, MessageState::Delivered);
}

async fn what_is_sent_is_signed_and_what_came_back_is_kept(world: World) {
    let body = "<script>alert(1)</script> \u{0}thanks";
    let receiver = Receiver::new([Answer::Say(200, String::new(), body.to_owned())]).await;
    let (id, secret) = world.subscribe(&receiver).await;
    world.send(id).await;
    let requests = receiver.requests();
    let [request] = requests.as_slice() else {
        panic!("one request, not {requests:?}")
    };
    assert_eq!(request.line, "POST /in?key=hidden HTTP/1.1");
    assert_eq!(request.header("content-type"), "application/json");
    assert!(request.header("user-agent").starts_with("slipway/"));
    let message = world.only(id).await;
    assert_eq!(request.header("webhook-id"), message.id.to_string());
    let timestamp: i64 = request.header("webhook-timestamp").parse().unwrap();
    let now = world.ctx().now().micros() / SECOND;
    assert!((now - 5..=now).contains(&timestamp), "seconds since the epoch");
    let expected = signature(&secret, request.header("webhook-id"), timestamp, &request.body);
    assert_eq!(Some(request.header("webhook-signature")), expected.as_deref());
    let sent: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(sent["type"], "webhook.test");
    assert_eq!(sent["data"]["webhook"]["id"], id.to_string());

    assert_eq!(
        (message.state, message.status),
        (MessageState::Delivered, Some(200))
    );
    assert_eq!((message.tries, message.next_try_at), (1, None));
    let shown = subscriber::message(&world.ctx(), ACME, id, message.id)
        .await
        .unwrap();
    assert_eq!(shown.answer, body.replace('\0', "\u{fffd}"));
    assert_eq!(shown.body, request.body);
    assert!(
        shown
            .headers
            .contains(&(String::from("webhook-id"), message.id.to_string()))
    );
    assert!(!format!("{shown:?}").contains(&secret), "the secret stays sealed");

    subscriber::resend(&world.ctx(), ACME, id, message.id)
        .await
        .unwrap();
    world.work().await;
    let again = receiver.requests();
    assert_eq!(again.len(), 2);
    assert_eq!(again[1].header("webhook-id"), message.id.to_string());
    assert_eq!(again[1].body, request.body);
    assert_eq!(world.only(id).await.tries, 2);
}

async fn a_failure_is_tried_again_with_the_same_id(world: World) {
    let receiver = Receiver::new([
        Answer::Say(500, String::new(), String::from("no")),
        Answer::status(200),
    ])
    .await;
    let (id, _) = world.subscribe(&receiver).await;
    world.send(id).await;
    let failed = world.only(id).await;
    assert_eq!((failed.state, failed.status), (MessageState::Waiting, Some(500)));
    let pause = failed.next_try_at.unwrap().since(failed.tried_at.unwrap());
    assert!((5 * SECOND..6 * SECOND).contains(&pause), "{pause}");
    let one = subscriber::show(&world.ctx(), ACME, id).await.unwrap();
    assert!(one.failing_since.is_some());
    world.clock.advance(4 * SECOND);
    world.work().await;
    assert_eq!(receiver.requests().len(), 1, "not yet");
    world.clock.advance(2 * SECOND);
    world.work().await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    assert_ne!(
        requests[0].header("webhook-timestamp"),
        requests[1].header("webhook-timestamp"),
        "each try is signed anew"
    );
    let delivered = world.only(id).await;
    assert_eq!((delivered.state, delivered.tries), (MessageState::Delivered, 2));
    let one = subscriber::show(&world.ctx(), ACME, id).await.unwrap();
    assert!(one.failing_since.is_none());
}

async fn a_receiver_that_is_gone_is_switched_off(world: World) {
    let receiver = Receiver::new([Answer::status(410)]).await;
    let (id, _) = world.subscribe(&receiver).await;
    world.send(id).await;
    let message = world.only(id).await;
    assert_eq!(
        (message.state, message.next_try_at, message.status),
        (MessageState::Failed, None, Some(410))
    );
    let one = subscriber::show(&world.ctx(), ACME, id).await.unwrap();
    assert!(!one.enabled && one.off_reason.is_some_and(|why| why.en.contains("410")));
    let query = audit::Query {
        org: String::from("acme"),
        action: Some(String::from("webhook.disable")),
        ..audit::Query::default()
    };
    let (_, rows) = audit::read(&world.ctx(), &query).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!format!("{rows:?}").contains("hidden"));
    world.clock.advance(DAY);
    world.work().await;
    assert_eq!(receiver.requests().len(), 1);
}

async fn a_receiver_that_hangs_is_not_waited_for(world: World) {
    let receiver = Receiver::new([Answer::Hang]).await;
    let (id, _) = world.subscribe(&receiver).await;
    let began = Instant::now();
    world.send(id).await;
    assert!(began.elapsed() < PATIENCE * 8, "{:?}", began.elapsed());
    let message = world.only(id).await;
    assert_eq!((message.state, message.status), (MessageState::Waiting, None));
    let trouble = message.trouble.unwrap();
    assert!(trouble.en.contains("no answer in time"), "{}", trouble.en);
    assert!(
        message
            .took_ms
            .is_some_and(|took| took >= i64::try_from(PATIENCE.as_millis()).unwrap())
    );
}

async fn a_redirect_is_not_followed(world: World) {
    let elsewhere = Receiver::new([]).await;
    let location = format!("location: {}\r\n", elsewhere.url());
    let receiver = Receiver::new([Answer::Say(307, location, String::new())]).await;
    let (id, _) = world.subscribe(&receiver).await;
    world.send(id).await;
    let message = world.only(id).await;
    assert_eq!(
        (message.state, message.status),
        (MessageState::Waiting, Some(307))
    );
    assert!(message.trouble.unwrap().en.contains("points elsewhere"));
    assert!(elsewhere.requests().is_empty());
}

async fn a_receiver_may_ask_for_more_time(world: World) {
    let busy =
        |status, seconds: &str| Answer::Say(status, format!("retry-after: {seconds}\r\n"), String::new());
    let receiver = Receiver::new([busy(429, "3600"), busy(503, "7200"), busy(500, "86400")]).await;
    let (id, _) = world.subscribe(&receiver).await;
    let pause = async || {
        let message = world.only(id).await;
        message.next_try_at.unwrap().since(message.tried_at.unwrap())
    };
    world.send(id).await;
    assert!((HOUR..HOUR + MINUTE).contains(&pause().await));
    world.clock.advance(HOUR + MINUTE);
    world.work().await;
    assert!((2 * HOUR..2 * HOUR + MINUTE).contains(&pause().await));
    world.clock.advance(2 * HOUR + MINUTE);
    world.work().await;
    assert!(pause().await < HOUR, "a 500 has no say in it");
}

async fn both_secrets_sign_for_a_day(world: World) {
    let receiver = Receiver::new([]).await;
    let (id, old) = world.subscribe(&receiver).await;
    let new = subscriber::rotate(&world.ctx(), ACME, id).await.unwrap().secret;
    world.send(id).await;
    world.clock.advance(DAY - HOUR);
    world.send(id).await;
    world.clock.advance(2 * HOUR);
    world.send(id).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for (nth, request) in requests.iter().enumerate() {
        let by = |secret: &str| {
            let timestamp = request.header("webhook-timestamp").parse().unwrap();
            signature(secret, request.header("webhook-id"), timestamp, &request.body).unwrap()
        };
        let expected = if nth < 2 {
            format!("{} {}", by(&new), by(&old))
        } else {
            by(&new)
        };
        assert_eq!(request.header("webhook-signature"), expected, "{nth}");
    }
}

async fn two_workers_never_send_one_try_twice(world: World) {
    const MESSAGES: usize = 24;
    let failures = std::iter::repeat_n(Answer::status(500), MESSAGES);
    let receiver = Receiver::new(failures).await;
    let (id, _) = world.subscribe(&receiver).await;
    for _ in 0..MESSAGES {
        subscriber::test(&world.ctx(), ACME, id).await.unwrap();
        world.clock.advance(1000);
    }
    let worker = async |name: &'static str, portal: slipway_portal::Portal| {
        let mut idle = 0;
        while idle < 40 {
            if jobs::step(&portal, name).await.unwrap() {
                idle = 0;
            } else {
                idle += 1;
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
    };
    for round in 1..=2 {
        // A second job for the same webhook, as a change makes one while the first is under way.
        tokio::join!(
            worker("one", world.portal.clone()),
            worker("two", world.portal.clone()),
            async {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                subscriber::test(&world.ctx(), ACME, id).await.unwrap();
            },
        );
        let requests = receiver.requests();
        let tries: BTreeSet<(String, String)> = requests
            .iter()
            .map(|request| {
                (
                    request.header("webhook-id").to_owned(),
                    request.header("webhook-timestamp").to_owned(),
                )
            })
            .collect();
        assert_eq!(tries.len(), requests.len(), "round {round}");
        let counted: i64 = world.log(id).await.iter().map(|message| message.tries).sum();
        assert_eq!(usize::try_from(counted).unwrap(), requests.len(), "round {round}");
        world.clock.advance(6 * SECOND);
    }
    let log = world.log(id).await;
    assert!(
        log.iter().all(|message| message.state == MessageState::Delivered),
        "{log:?}"
    );
}

async fn an_endless_answer_is_cut(world: World) {
    let receiver = Receiver::new([Answer::Endless]).await;
    let (id, _) = world.subscribe(&receiver).await;
    world.send(id).await;
    let message = world.only(id).await;
    assert_eq!(
        (message.state, message.status),
        (MessageState::Delivered, Some(200))
    );
    let shown = subscriber::message(&world.ctx(), ACME, id, message.id)
        .await
        .unwrap();
    assert_eq!(shown.answer.len(), ANSWER_MAX);
}

#[tokio::test]
async fn nothing_is_sent_to_this_machine_or_a_metadata_service() {
    let receiver = Receiver::new([]).await;
    let courier = HttpCourier::new(Outgoing::default());
    for url in [
        receiver.url(),
        receiver.url_by_name(),
        String::from("http://169.254.169.254/latest/meta-data/"),
        String::from("http://[::ffff:127.0.0.1]/"),
        String::from("http://0x7f000001/"),
        String::from("http://2130706433/"),
    ] {
        let admitted = courier.admits(&url).await;
        assert!(
            matches!(admitted, Err(CourierError::OutOfBounds(_))),
            "{url}: {admitted:?}"
        );
        // Asked again when it is connected to: names change where they lead.
        let parcel = Parcel {
            url: url.clone(),
            headers: Vec::new(),
            body: String::from("{}"),
        };
        let sent = courier.send(&parcel).await;
        assert!(
            matches!(sent, Err(CourierError::OutOfBounds(_))),
            "{url}: {sent:?}"
        );
    }
    assert!(receiver.requests().is_empty());
}
