//! The promise of [`Buckets`], as one suite run against both stores.

mod model;
mod outages;
#[macro_use]
mod world;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Bucket, Buckets, Local, Proof, RECEIPT_LIFE, Receipt, Redis, TAKE_TIMEOUT, Taken, Unavailable,
    redis_server::RedisServer,
};
use world::{LocalWorld, RedisWorld, World};

const MINUTE: Duration = Duration::from_secs(60);
const SLOT: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_micros(1);

fn bucket(name: &str, max: u64, cost: u64, window: Duration) -> Bucket {
    let key = format!(
        "{{org_1}}:grant:gr_1:{name}:{}ms:sliding",
        window.as_millis()
    );
    Bucket {
        key,
        max,
        cost,
        window,
        shadow: false,
    }
}

fn in_shadow(name: &str, max: u64, cost: u64) -> Bucket {
    Bucket {
        shadow: true,
        ..bucket(name, max, cost, MINUTE)
    }
}

async fn take(store: &impl Buckets, buckets: &[Bucket]) -> Taken {
    store.take(buckets).await.expect("the store answers")
}

async fn charge(store: &impl Buckets, buckets: &[Bucket]) -> Receipt {
    match take(store, buckets).await {
        Taken::Charged(receipt) => receipt,
        refused @ Taken::Wait { .. } => panic!("{refused:?}"),
    }
}

async fn refusal(store: &impl Buckets, buckets: &[Bucket]) -> (usize, Option<Duration>, Vec<u64>) {
    match take(store, buckets).await {
        Taken::Wait {
            refused,
            retry_after,
            left,
            ..
        } => (refused, retry_after, left.to_vec()),
        charged @ Taken::Charged(_) => panic!("{charged:?}"),
    }
}

async fn gives(store: &impl Buckets, buckets: &[Bucket], receipt: &Receipt, proof: Proof) -> bool {
    store
        .give_back(buckets, receipt, proof)
        .await
        .expect("the store answers")
}

both! {
    /// 200 calls at once over 20 connections' tasks: ten go through.
    async fn a_burst_never_exceeds_max(world) {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let store = Arc::clone(world.store());
            tasks.spawn(async move {
                let call = [bucket("rerun", 10, 1, MINUTE)];
                let mut charged = 0;
                for _ in 0..10 {
                    charged += u32::from(matches!(take(&*store, &call).await, Taken::Charged(_)));
                }
                charged
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 10);
    }

    /// Not a microsecond before its window is over, and at most a sixtieth later.
    async fn a_token_comes_back_one_window_after_it_was_spent(world) {
        let call = [bucket("rerun", 1, 1, MINUTE)];
        charge(&**world.store(), &call).await;
        world.wait(MINUTE).await;
        refusal(&**world.store(), &call).await;
        world.wait(SLOT).await;
        charge(&**world.store(), &call).await;
    }

    async fn what_is_left_is_told(world) {
        let call = [bucket("a", 10, 4, MINUTE), bucket("b", 20, 3, MINUTE)];
        assert_eq!(charge(&**world.store(), &call).await.left.to_vec(), [6, 17]);
        assert_eq!(charge(&**world.store(), &call).await.left.to_vec(), [2, 14]);
        let (refused, _, left) = refusal(&**world.store(), &call).await;
        assert_eq!((refused, left), (0, vec![2, 14]));
    }

    async fn two_buckets_are_charged_together_or_not_at_all(world) {
        let (wide, narrow) = (bucket("wide", 10, 1, MINUTE), bucket("narrow", 1, 1, MINUTE));
        charge(&**world.store(), &[wide.clone(), narrow.clone()]).await;
        for _ in 0..5 {
            let (refused, _, left) =
                refusal(&**world.store(), &[wide.clone(), narrow.clone()]).await;
            assert_eq!((refused, left), (1, vec![9, 0]));
        }
        assert_eq!(charge(&**world.store(), &[wide]).await.left.to_vec(), [8]);
    }

    /// Wait as long as told and the call fits, and a slot earlier it does not.
    async fn the_wait_is_true(world) {
        let call = [bucket("rerun", 5, 2, MINUTE)];
        charge(&**world.store(), &call).await;
        world.wait(Duration::from_millis(20_500)).await;
        charge(&**world.store(), &call).await;
        world.wait(Duration::from_micros(1_234_567)).await;
        let (_, wait, _) = refusal(&**world.store(), &call).await;
        let wait = wait.expect("it will fit");
        world.wait(wait - SLOT - Duration::from_millis(1)).await;
        refusal(&**world.store(), &call).await;
        let (_, rest, _) = refusal(&**world.store(), &call).await;
        assert_eq!(rest.expect("still"), SLOT + Duration::from_millis(1));
        world.wait(SLOT).await;
        world.wait(Duration::from_millis(1)).await;
        charge(&**world.store(), &call).await;
    }

    async fn the_longest_wait_is_the_one_told(world) {
        let hour = Duration::from_secs(3600);
        let (short, long) = (bucket("short", 1, 1, MINUTE), bucket("long", 1, 1, hour));
        charge(&**world.store(), &[short.clone(), long.clone()]).await;
        for (call, at) in [([short.clone(), long.clone()], 1), ([long, short.clone()], 0)] {
            let (refused, wait, _) = refusal(&**world.store(), &call).await;
            let wait = wait.expect("both will fit");
            assert!(refused == at && wait > hour - SLOT && wait <= hour + MINUTE, "{wait:?}");
        }
        let never = bucket("never", 1, 2, MINUTE);
        let (refused, wait, _) = refusal(&**world.store(), &[short, never]).await;
        assert_eq!((refused, wait), (1, None));
    }

    async fn no_tokens_at_all_deny_at_any_cost(world) {
        for cost in [0, 1, u64::MAX] {
            let (_, wait, left) =
                refusal(&**world.store(), &[bucket("none", 0, cost, MINUTE)]).await;
            assert_eq!((wait, left), (None, vec![0]));
        }
    }

    async fn a_cost_above_max_can_never_fit(world) {
        for cost in [11, 1 << 53, u64::MAX] {
            let (_, wait, left) =
                refusal(&**world.store(), &[bucket("spend", 10, cost, MINUTE)]).await;
            assert_eq!((wait, left), (None, vec![10]));
        }
    }

    async fn a_trillion_tokens_are_counted_to_the_last(world) {
        let most = crate::MAX_TOKENS;
        let all_but_one = [bucket("spend", most, most - 1, MINUTE)];
        assert_eq!(charge(&**world.store(), &all_but_one).await.left.to_vec(), [1]);
        refusal(&**world.store(), &[bucket("spend", most, 2, MINUTE)]).await;
        let last = [bucket("spend", most, 1, MINUTE)];
        assert_eq!(charge(&**world.store(), &last).await.left.to_vec(), [0]);
        refusal(&**world.store(), &last).await;
    }

    async fn a_call_for_nothing_fits_a_full_bucket(world) {
        charge(&**world.store(), &[bucket("spend", 1, 1, MINUTE)]).await;
        charge(&**world.store(), &[bucket("spend", 1, 0, MINUTE)]).await;
        refusal(&**world.store(), &[bucket("spend", 1, 1, MINUTE)]).await;
    }

    /// Two policies that name one counter spend from it, each held to its own maximum.
    async fn another_max_sees_what_was_spent(world) {
        for _ in 0..6 {
            charge(&**world.store(), &[bucket("shared", 100, 1, MINUTE)]).await;
        }
        let (_, wait, left) = refusal(&**world.store(), &[bucket("shared", 5, 1, MINUTE)]).await;
        assert_eq!(left, [0]);
        assert!(wait.is_some());
    }

    async fn a_bucket_named_twice_is_charged_once(world) {
        let call = [bucket("rerun", 10, 3, MINUTE), bucket("rerun", 10, 3, MINUTE)];
        let receipt = charge(&**world.store(), &call).await;
        assert_eq!(receipt.left.to_vec(), [7, 7]);
        assert!(gives(&**world.store(), &call, &receipt, Proof::NothingSent).await);
        assert_eq!(charge(&**world.store(), &call).await.left.to_vec(), [7, 7]);
    }

    async fn no_limits_always_fit(world) {
        let receipt = charge(&**world.store(), &[]).await;
        assert!(!gives(&**world.store(), &[], &receipt, Proof::NothingSent).await);
    }

    async fn a_receipt_gives_back_once_and_exactly(world) {
        let call = [bucket("a", 10, 2, MINUTE), bucket("b", 10, 1, MINUTE)];
        let first = charge(&**world.store(), &call).await;
        charge(&**world.store(), &call).await;
        assert!(gives(&**world.store(), &call, &first, Proof::NothingSent).await);
        for proof in [Proof::NothingSent, Proof::UpstreamSays] {
            assert!(!gives(&**world.store(), &call, &first.clone(), proof).await);
        }
        assert_eq!(charge(&**world.store(), &call).await.left.to_vec(), [6, 8]);
    }

    async fn only_what_was_charged_is_given_back(world) {
        let call = [bucket("spend", 10, 1, MINUTE)];
        charge(&**world.store(), &[bucket("spend", 10, 9, MINUTE)]).await;
        let receipt = charge(&**world.store(), &call).await;
        for other in [
            vec![bucket("spend", 10, 9, MINUTE)],
            vec![bucket("other", 10, 1, MINUTE)],
            vec![bucket("spend", 10, 1, SLOT)],
            vec![call[0].clone(), call[0].clone()],
            vec![],
        ] {
            assert!(!gives(&**world.store(), &other, &receipt, Proof::NothingSent).await);
        }
        refusal(&**world.store(), &call).await;
        assert!(gives(&**world.store(), &call, &receipt, Proof::NothingSent).await);
    }

    async fn what_came_back_by_itself_is_not_given_back_again(world) {
        let call = [bucket("rerun", 2, 1, MINUTE)];
        let receipt = charge(&**world.store(), &call).await;
        world.wait(MINUTE + SLOT).await;
        charge(&**world.store(), &call).await;
        assert!(!gives(&**world.store(), &call, &receipt, Proof::NothingSent).await);
        assert_eq!(charge(&**world.store(), &call).await.left.to_vec(), [0]);
    }

    /// An upstream that always says "nothing ran" gets each token believed once a window.
    async fn an_upstream_is_believed_for_max_tokens_a_window(world) {
        let call = [bucket("rerun", 3, 1, MINUTE)];
        for _ in 0..2 {
            let mut sent = 0;
            while let Taken::Charged(receipt) = take(&**world.store(), &call).await {
                sent += 1;
                gives(&**world.store(), &call, &receipt, Proof::UpstreamSays).await;
                assert!(sent <= 6, "an upstream that lies lifted the limit");
            }
            assert_eq!(sent, 6);
            world.wait(MINUTE + SLOT).await;
        }
    }

    async fn nothing_sent_is_always_believed(world) {
        let call = [bucket("rerun", 1, 1, MINUTE)];
        for _ in 0..20 {
            let receipt = charge(&**world.store(), &call).await;
            assert!(gives(&**world.store(), &call, &receipt, Proof::NothingSent).await);
        }
    }

    async fn one_bucket_that_believes_no_more_keeps_all_charges(world) {
        let call = [bucket("wide", 100, 1, MINUTE), bucket("narrow", 1, 1, MINUTE)];
        let first = charge(&**world.store(), &call).await;
        assert!(gives(&**world.store(), &call, &first, Proof::UpstreamSays).await);
        let second = charge(&**world.store(), &call).await;
        assert!(!gives(&**world.store(), &call, &second, Proof::UpstreamSays).await);
        let (_, _, left) = refusal(&**world.store(), &call).await;
        assert_eq!(left, [99, 0]);
    }

    /// The same receipt, twenty times at once.
    async fn a_receipt_cannot_be_raced(world) {
        let call = [bucket("rerun", 10, 1, MINUTE)];
        for _ in 0..5 {
            charge(&**world.store(), &call).await;
        }
        let receipt = charge(&**world.store(), &call).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (store, call, receipt) = (Arc::clone(world.store()), call.clone(), receipt.clone());
            tasks.spawn(async move { gives(&*store, &call, &receipt, Proof::NothingSent).await });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|&given| given).count(), 1);
        assert_eq!(charge(&**world.store(), &call).await.left.to_vec(), [4]);
    }

    async fn buckets_of_different_windows_do_not_disturb_each_other(world) {
        let call = [bucket("a", 1, 1, SLOT), bucket("b", 4, 1, MINUTE)];
        for _ in 0..3 {
            charge(&**world.store(), &call).await;
            assert_eq!(refusal(&**world.store(), &call).await.0, 0);
            world.wait(Duration::from_millis(1017)).await;
        }
        charge(&**world.store(), &call).await;
        assert_eq!(refusal(&**world.store(), &call).await.0, 1);
    }

    /// It takes a token where there is one, says so where there is none, and never refuses.
    async fn a_bucket_in_shadow_is_charged_and_never_refuses(world) {
        let call = [in_shadow("tried", 2, 1), bucket("kept", 10, 1, MINUTE)];
        for left in [[1, 9], [0, 8]] {
            let receipt = charge(&**world.store(), &call).await;
            assert_eq!((receipt.left.to_vec(), receipt.short.to_vec()), (left.to_vec(), vec![]));
        }
        for left in [[0, 7], [0, 6]] {
            let receipt = charge(&**world.store(), &call).await;
            assert_eq!((receipt.left.to_vec(), receipt.short.to_vec()), (left.to_vec(), vec![0]));
        }
        world.wait(MINUTE + SLOT).await;
        // Nothing was taken beyond what it held, so all of it is back.
        assert_eq!(charge(&**world.store(), &call).await.left.to_vec(), [1, 9]);
        let never = [in_shadow("none", 0, 0), in_shadow("dear", 2, 3)];
        assert_eq!(charge(&**world.store(), &never).await.short.to_vec(), [0, 1]);
    }

    /// What is refused charges nothing in shadow either, and says what shadow would have refused.
    async fn a_refused_call_charges_no_bucket_in_shadow(world) {
        let full = bucket("kept", 1, 1, MINUTE);
        charge(&**world.store(), &[in_shadow("spent", 1, 1), full.clone()]).await;
        let call = [in_shadow("tried", 5, 1), full, in_shadow("spent", 1, 1)];
        for _ in 0..3 {
            match take(&**world.store(), &call).await {
                Taken::Wait { refused, left, short, .. } => {
                    assert_eq!((refused, left.to_vec(), short.to_vec()), (1, vec![5, 0, 0], vec![2]));
                }
                charged @ Taken::Charged(_) => panic!("{charged:?}"),
            }
        }
    }

    /// Named in shadow and enforced, a bucket is charged once, and by what is enforced, wherever
    /// either stands.
    async fn what_is_enforced_charges_first(world) {
        for (name, shadow_first) in [("a", true), ("b", false)] {
            let mut call = [in_shadow(name, 2, 5), bucket(name, 10, 3, MINUTE)];
            if !shadow_first {
                call.reverse();
            }
            let short = usize::from(!shadow_first);
            let receipt = charge(&**world.store(), &call).await;
            assert_eq!(receipt.short.to_vec(), [short]);
            assert_eq!(receipt.left[1 - short], 7);
            assert!(gives(&**world.store(), &call, &receipt, Proof::NothingSent).await);
            let full = charge(&**world.store(), &[bucket(name, 10, 0, MINUTE)]).await;
            assert_eq!(full.left.to_vec(), [10], "exactly what was charged came back");
        }
        let twice = [in_shadow("c", 10, 4), in_shadow("c", 10, 4)];
        assert_eq!(charge(&**world.store(), &twice).await.left.to_vec(), [6, 6]);
    }

    async fn what_shadow_took_is_given_back_and_no_more(world) {
        let call = [in_shadow("tried", 1, 1), bucket("kept", 10, 1, MINUTE)];
        let first = charge(&**world.store(), &call).await;
        let second = charge(&**world.store(), &call).await;
        assert_eq!(second.short.to_vec(), [0]);
        assert!(gives(&**world.store(), &call, &second, Proof::NothingSent).await);
        // The second took none, so the first one's token is still away.
        let third = charge(&**world.store(), &call).await;
        assert_eq!((third.short.to_vec(), third.left.to_vec()), (vec![0], vec![0, 8]));
        assert!(gives(&**world.store(), &call, &first, Proof::NothingSent).await);
        let fourth = charge(&**world.store(), &call).await;
        assert_eq!((fourth.short.to_vec(), fourth.left.to_vec()), (vec![], vec![0, 8]));
    }

    /// A small bucket in shadow, for which an upstream is believed no more, keeps no charge of the
    /// others: it would refuse by a back door.
    async fn shadow_stands_in_no_way_of_what_is_given_back(world) {
        let call = [in_shadow("narrow", 1, 1), bucket("wide", 3, 1, MINUTE)];
        let first = charge(&**world.store(), &call).await;
        assert!(gives(&**world.store(), &call, &first, Proof::UpstreamSays).await);
        let second = charge(&**world.store(), &call).await;
        assert!(gives(&**world.store(), &call, &second, Proof::UpstreamSays).await);
        let third = charge(&**world.store(), &call).await;
        assert_eq!((third.short.to_vec(), third.left.to_vec()), (vec![0], vec![0, 2]));
    }
}

#[tokio::test]
async fn an_old_receipt_is_no_good_in_memory() {
    let world = LocalWorld::new().await;
    let call = [bucket("rerun", 10, 1, Duration::from_secs(2_678_400))];
    let receipt = charge(&*world.store, &call).await;
    world.wait(RECEIPT_LIFE + TICK).await;
    assert!(!gives(&*world.store, &call, &receipt, Proof::NothingSent).await);
}

/// What was used is forgotten in generations, and never while the receipt is still good.
#[tokio::test]
async fn a_used_receipt_is_remembered_as_long_as_it_lives() {
    let world = LocalWorld::new().await;
    let call = [bucket("rerun", 10, 1, Duration::from_secs(2_678_400))];
    let give =
        async |receipt: &Receipt| gives(&*world.store, &call, receipt, Proof::NothingSent).await;
    charge(&*world.store, &call).await;
    let first = charge(&*world.store, &call).await;
    assert!(give(&first).await);
    world.wait(RECEIPT_LIFE - SLOT).await;
    let second = charge(&*world.store, &call).await;
    assert!(give(&second).await);
    world.wait(2 * SLOT).await;
    let third = charge(&*world.store, &call).await;
    assert!(give(&third).await, "this is when a generation ends");
    for used in [&first, &second, &third] {
        assert!(!give(used).await);
    }
    assert_eq!(charge(&*world.store, &call).await.left.to_vec(), [8]);
}

#[tokio::test]
async fn idle_buckets_are_forgotten_in_memory() {
    let world = LocalWorld::new().await;
    for round in 0..20 {
        for agent in 0..2_000 {
            charge(
                &*world.store,
                &[bucket(&format!("{round}_{agent}"), 10, 1, SLOT)],
            )
            .await;
        }
        world.wait(MINUTE).await;
    }
    assert!(
        world.store.len() < 8_000,
        "{} buckets are kept",
        world.store.len()
    );
}

/// By Redis's own clock, as in production.
#[tokio::test]
async fn a_second_is_a_second() {
    let server = RedisServer::start();
    let redis = Redis::connect(&server.url()).await.expect("a good URL");
    hammer(&redis).await;
    hammer(&Local::new()).await;
}

/// Asks without pause for three windows of a second, and looks at every interval.
async fn hammer(store: &impl Buckets) {
    let call = [bucket("hammer", 5, 1, SLOT)];
    let start = Instant::now();
    let mut spent = Vec::new();
    let mut wait_until = start;
    while start.elapsed() < 3 * SLOT {
        let before = start.elapsed();
        match take(store, &call).await {
            Taken::Charged(_) => spent.push((before, start.elapsed())),
            Taken::Wait { retry_after, .. } => {
                wait_until = Instant::now() + retry_after.expect("it will fit");
            }
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    for six in spent.windows(6) {
        assert!(six[5].1 - six[0].0 > SLOT, "six in a second: {six:?}");
    }
    assert!(spent.len() >= 10, "only {} came back", spent.len());
    tokio::time::sleep_until(wait_until.into()).await;
    charge(store, &call).await;
}
