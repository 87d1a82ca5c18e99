//! Files of work items in an S3-compatible storage: at the wire, and with SQLite and PostgreSQL beneath the use cases.

mod files;
mod world;

use bytes::Bytes;
use futures::StreamExt as _;
use slipway_portal::ports::{Shelf, ShelfError};
use slipway_shelf::{Place, S3Shelf};
use slipway_testkit::s3::{ACCESS_KEY, BUCKET, REGION, SECRET_KEY};
use slipway_testkit::{S3Fault, S3Server};
use std::time::Duration;

/// How long the shelf of a test waits.
const PATIENCE: Duration = Duration::from_millis(700);

fn place(server: &S3Server) -> Place {
    Place {
        endpoint: server.url().parse().expect("a URL"),
        region: String::from(REGION),
        bucket: String::from(BUCKET),
        prefix: String::from("slipway/"),
        path_style: true,
        access_key: String::from(ACCESS_KEY),
    }
}

fn shelf(server: &S3Server) -> S3Shelf {
    S3Shelf::waiting(place(server), SECRET_KEY, PATIENCE).expect("a shelf")
}

async fn read(shelf: &S3Shelf, key: &str) -> Result<Vec<u8>, ShelfError> {
    let mut pieces = shelf.get(key).await?.pieces;
    let mut read = Vec::new();
    while let Some(piece) = pieces.next().await {
        read.extend_from_slice(&piece?);
    }
    Ok(read)
}

#[tokio::test]
async fn what_is_put_is_read_and_taken_away() {
    let server = S3Server::start().await;
    let shelf = shelf(&server);
    let content: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let key = "a/b c+d~发.bin";
    shelf.put(key, Bytes::from(content.clone())).await.unwrap();
    assert_eq!(server.keys(), [format!("slipway/{key}")]);
    assert!(read(&shelf, key).await.unwrap() == content);
    shelf.put(key, Bytes::from_static(b"other")).await.unwrap();
    assert_eq!(read(&shelf, key).await.unwrap(), b"other");
    shelf.delete(key).await.unwrap();
    shelf.delete(key).await.unwrap();
    assert!(server.keys().is_empty());
    assert_eq!(read(&shelf, key).await, Err(ShelfError::NoObject));
}

#[tokio::test]
async fn what_is_signed_otherwise_is_refused() {
    let server = S3Server::start().await;
    let try_as = async |change: &dyn Fn(&mut Place), secret: &str| {
        let mut place = place(&server);
        change(&mut place);
        let shelf = S3Shelf::waiting(place, secret, PATIENCE).unwrap();
        shelf.put("a", Bytes::from_static(b"x")).await.unwrap_err()
    };
    assert_eq!(
        try_as(&|_| {}, "another secret").await,
        ShelfError::Denied(String::from("SignatureDoesNotMatch"))
    );
    assert_eq!(
        try_as(&|place| place.access_key = String::from("AKIAOTHER"), SECRET_KEY).await,
        ShelfError::Denied(String::from("InvalidAccessKeyId"))
    );
    assert!(matches!(
        try_as(&|place| place.region = String::from("us-east-1"), SECRET_KEY).await,
        ShelfError::Elsewhere(_)
    ));
    assert_eq!(
        try_as(&|place| place.bucket = String::from("others"), SECRET_KEY).await,
        ShelfError::NoBucket
    );
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn each_trouble_is_told_for_what_it_is_and_no_signature_with_it() {
    let server = S3Server::start().await;
    let shelf = shelf(&server);
    shelf.put("a", Bytes::from(vec![b'a'; 200_000])).await.unwrap();
    let refused = |status, code: &str| ShelfError::Refused {
        status,
        code: code.to_owned(),
    };
    for (fault, wanted) in [
        (S3Fault::Denied, ShelfError::Denied(String::from("AccessDenied"))),
        (S3Fault::NoBucket, ShelfError::NoBucket),
        (
            S3Fault::Elsewhere,
            ShelfError::Elsewhere(String::from("ap-test-9")),
        ),
        (S3Fault::Broken, refused(500, "InternalError")),
        (S3Fault::Proxy, refused(502, "")),
        (S3Fault::Silent, ShelfError::TimedOut),
    ] {
        server.fails("", fault);
        assert_eq!(
            shelf.put("b", Bytes::from_static(b"x")).await,
            Err(wanted.clone()),
            "put, {fault:?}"
        );
        assert_eq!(read(&shelf, "a").await, Err(wanted.clone()), "get, {fault:?}");
        assert_eq!(shelf.delete("c").await, Err(wanted), "delete, {fault:?}");
    }
    server.fails("GET", S3Fault::Cut);
    let cut = read(&shelf, "a").await.unwrap_err();
    assert!(matches!(cut, ShelfError::Unreachable(_)), "{cut:?}");
    let gone = server.url();
    drop(server);
    let unreachable = shelf.put("a", Bytes::from_static(b"x")).await.unwrap_err();
    assert!(
        matches!(unreachable, ShelfError::Unreachable(_)),
        "{unreachable:?}"
    );
    for told in [cut, unreachable] {
        let words = format!("{told} {told:?} {}", told.text().en);
        assert!(
            !words.contains("X-Amz") && !words.contains(&gone) && !words.contains(ACCESS_KEY),
            "{words}"
        );
    }
}
