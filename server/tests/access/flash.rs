//! Forms without a script: what was typed comes back once, secrets never.

use crate::scene::Scene;

#[tokio::test]
async fn a_refused_form_comes_back_with_its_error_and_what_was_typed_once() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let cookie = scene.session("vic").await;
    let from = "/orgs/acme/projects/checkout/board";
    let form = "org=acme&project=checkout&title=A+title+that+was+typed&kind=task&api_token=glpat-secret";
    let answer = scene
        .post_form("/api/fn/item/add", form, from, Some(&cookie))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, from),
        "nothing stands in the address"
    );
    assert_eq!(
        answer.header("set-cookie"),
        "",
        "the session that is there carries it"
    );

    // A call of a script in between takes nothing away.
    scene.get("/api/fn/me/chrome", Some(&cookie)).await;
    let page = scene.page(from, Some(&cookie)).await;
    assert_eq!(page.status, 200);
    let told = page.body.matches("You may not create work items here").count();
    assert!(
        told > 0 || page.body.contains("error-summary"),
        "the refusal is on the page: {}",
        page.body
    );
    assert!(!page.body.contains("glpat-secret"));
    let again = scene.page(from, Some(&cookie)).await;
    assert!(!again.body.contains("A title that was typed"), "once");
}

#[tokio::test]
async fn a_form_that_went_well_leads_back_to_where_it_was() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let cookie = scene.session("dora").await;
    let from = "/orgs/acme/projects/checkout/board?x=1";
    let answer = scene
        .post_form(
            "/api/fn/item/add",
            "org=acme&project=checkout&title=One&kind=task",
            from,
            Some(&cookie),
        )
        .await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, from));
}

#[tokio::test]
async fn a_form_of_somebody_whose_session_ended_leads_to_the_sign_in_and_back() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let answer = scene
        .post_form(
            "/api/fn/item/add",
            "org=acme&project=checkout&title=One&kind=task",
            "/orgs/acme",
            None,
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/sign-in?error=expired&next=%2Forgs%2Facme")
    );
}

#[tokio::test]
async fn the_name_that_was_typed_is_still_there_after_a_failed_sign_in_and_the_password_is_not() {
    let scene = Scene::new().await;
    let answer = scene
        .post_form(
            "/sign-in",
            "username=pat&password=my-secret-word",
            "/sign-in",
            None,
        )
        .await;
    let cookie = answer.cookie("slipway_session").unwrap();
    let page = scene.page(answer.header("location"), Some(&cookie)).await;
    assert!(page.body.contains("value=\"pat\""));
    assert!(!page.body.contains("my-secret-word"));
    assert!(
        !scene
            .page("/sign-in", Some(&cookie))
            .await
            .body
            .contains("value=\"pat\"")
    );
}
