//! What subscribers are told of a promotion.

use super::stage::{ORG, PROJECT, Stage, one_of};
use serde_json::Value;
use slipway_domain::access::Role;
use slipway_domain::id::SubscriberId;
use slipway_domain::promotion::PromotionState;
use slipway_domain::subscriber::EventKind;
use slipway_portal::access::At;
use slipway_portal::{promotion, subscriber};

const AT: At<'static> = At {
    org: ORG,
    project: Some(PROJECT),
    app: None,
};

async fn subscribe(stage: &Stage) -> SubscriberId {
    let input = subscriber::Input {
        url: String::from("https://hooks.example.com"),
        description: String::new(),
        kinds: EventKind::chosen().map(|kind| kind.key().to_owned()).collect(),
        enabled: true,
    };
    let lea = stage.as_person(&stage.people.lea);
    subscriber::create(&lea, AT, input).await.expect("a webhook").id
}

/// What was told, in its order: the kind, and what it says of the promotion.
async fn told(stage: &Stage, id: SubscriberId) -> Vec<(EventKind, Value)> {
    let lea = stage.as_person(&stage.people.lea);
    let mut messages = subscriber::messages(&lea, AT, id, None, 100)
        .await
        .expect("the log");
    messages.sort_by_key(|message| message.created_at);
    let mut told = Vec::new();
    for message in messages {
        let view = subscriber::message(&lea, AT, id, message.id).await.expect("one");
        let mut body: Value = serde_json::from_str(&view.body).expect("JSON");
        assert_eq!(body["type"], message.kind.key());
        told.push((message.kind, body["data"]["promotion"].take()));
    }
    told
}

pub async fn subscribers_hear_of_every_step_once(stage: Stage) {
    let people = &stage.people;
    let webhook = subscribe(&stage).await;
    stage.release("1.0.0", 1).await;
    let deployed = stage.deploy("1.0.0", "qa").await;
    stage.set_policy("qa", one_of(Role::ProjectOps, 1)).await;
    stage.release("2.0.0", 2).await;
    stage.behave(2, "crash-loop");
    let failed = stage.ask_skipping(&people.lea, "2.0.0", "qa").await;
    stage.reaches(failed, PromotionState::Waiting).await;
    stage.approve(&people.otto, failed).await.expect("otto approves");
    stage.reaches(failed, PromotionState::Failed).await;
    let withdrawn = stage.ask_skipping(&people.lea, "2.0.0", "live").await;
    stage.reaches(withdrawn, PromotionState::Waiting).await;
    promotion::cancel(&stage.as_person(&people.lea), withdrawn)
        .await
        .expect("withdrawn");

    let told = told(&stage, webhook).await;
    let kinds: Vec<EventKind> = told.iter().map(|(kind, _)| *kind).collect();
    let expected = [
        EventKind::PromotionRequested,
        EventKind::PromotionDeployed,
        EventKind::PromotionRequested,
        EventKind::PromotionDecided,
        EventKind::PromotionFailed,
        EventKind::PromotionRequested,
        EventKind::PromotionEnded,
    ];
    assert_eq!(kinds, expected);
    let (first, decided, last) = (&told[1].1, &told[3].1, &told[6].1);
    assert_eq!(first["id"], deployed.to_string());
    assert_eq!(
        (&first["version"], &first["environment"], &first["state"]),
        (&"1.0.0".into(), &"qa".into(), &"succeeded".into())
    );
    assert_eq!(
        (&decided["verdict"], &decided["id"]),
        (&"approve".into(), &failed.to_string().into())
    );
    assert!(!decided.to_string().contains("because"), "no comments");
    assert_eq!(
        (&last["state"], &last["requested_by"]),
        (&"cancelled".into(), &people.lea.id.to_string().into())
    );
}
