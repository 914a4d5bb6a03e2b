//! Both stores against the plainest model there is: a list of what was spent when.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Take {
        costs: [u64; 2],
    },
    /// The receipt, counted from the newest.
    GiveBack(usize),
    /// Waits as long as the last refusal said, and asks again.
    Obey,
}

fn steps(windows: [u64; 2]) -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![
        0..windows[0] / 50,
        0..windows[1] * 2,
        (0..3_u64, any::<bool>()).prop_map(move |(n, b)| windows[usize::from(b)] * n / 60),
        any::<bool>().prop_map(move |b| windows[usize::from(b)]),
    ];
    let step = prop_oneof![
        3 => wait.prop_map(Step::Wait),
        6 => [0..8_u64, 0..4_u64].prop_map(|costs| Step::Take { costs }),
        1 => (0..6_usize).prop_map(Step::GiveBack),
        1 => Just(Step::Obey),
    ];
    proptest::collection::vec(step, 1..80)
}

/// One take that went through. A bucket in shadow that was short cost nothing.
struct Spent {
    at_us: u64,
    costs: [u64; 3],
    receipt: Receipt,
    buckets: [Bucket; 3],
    given_back: bool,
}

/// Two buckets, and a third in shadow that asks one token of each call.
const MAX: [u64; 3] = [7, 13, 4];
const SHADOW: usize = 2;

async fn follow<W: World>(world: &W, run: usize, windows: [u64; 2], steps: Vec<Step>) {
    let store = &**world.store();
    let windows = [windows[0], windows[1], windows[0]];
    let bucket = |index: usize, cost| {
        let window = Duration::from_micros(windows[index]);
        let bucket = bucket(&format!("run{run}_{index}"), MAX[index], cost, window);
        Bucket {
            shadow: index == SHADOW,
            ..bucket
        }
    };
    let mut history: Vec<Spent> = Vec::new();
    let mut advice: Option<(Duration, [u64; 2])> = None;
    for step in steps {
        let (costs, must_fit) = match step {
            Step::Wait(us) => {
                world.wait(Duration::from_micros(us)).await;
                advice = None;
                continue;
            }
            Step::GiveBack(age) => {
                let now = world.now_us();
                let Some(at) = history.len().checked_sub(age + 1) else {
                    continue;
                };
                let spent = &mut history[at];
                let given = gives(store, &spent.buckets, &spent.receipt, Proof::NothingSent).await;
                let surely_away = (0..3)
                    .any(|i| spent.costs[i] > 0 && now <= spent.at_us + windows[i])
                    && !spent.given_back;
                let maybe_away = (0..3).any(|i| {
                    spent.costs[i] > 0 && now < spent.at_us + windows[i] + windows[i] / 60
                }) && !spent.given_back;
                let usable = now - spent.at_us <= crate::window::micros(RECEIPT_LIFE);
                assert!(given || !surely_away || !usable, "a charge was kept");
                assert!(
                    !given || maybe_away,
                    "a charge was given back twice, or too late"
                );
                spent.given_back |= given;
                advice = None;
                continue;
            }
            Step::Take { costs } => (costs, false),
            Step::Obey => {
                let Some((wait, costs)) = advice.take() else {
                    continue;
                };
                world.wait(wait).await;
                (costs, true)
            }
        };
        let now = world.now_us();
        let buckets = [bucket(0, costs[0]), bucket(1, costs[1]), bucket(SHADOW, 1)];
        let away = |index: usize, late: u64| -> u64 {
            let live = history
                .iter()
                .filter(|spent| !spent.given_back && now < spent.at_us + windows[index] + late);
            live.map(|spent| spent.costs[index]).sum()
        };
        // A token is away up to and including its window's end, and at most a sixtieth longer.
        let at_least = [0, 1, 2].map(|i| away(i, 1));
        let at_most = [0, 1, 2].map(|i| away(i, windows[i] / 60));
        let taken = take(store, &buckets).await;
        let (left, short, went_through) = match &taken {
            Taken::Charged(receipt) => (&receipt.left, &receipt.short, true),
            Taken::Wait { left, short, .. } => (left, short, false),
        };
        let short = !short.is_empty();
        assert!(
            short || at_least[SHADOW] < MAX[SHADOW],
            "shadow beyond its max"
        );
        assert!(
            !short || at_most[SHADOW] >= MAX[SHADOW],
            "short although it fits"
        );
        let spent_now = match went_through {
            true => [costs[0], costs[1], u64::from(!short)],
            false => [0; 3],
        };
        for index in 0..3 {
            let most = MAX[index].saturating_sub(at_least[index] + spent_now[index]);
            let least = MAX[index].saturating_sub(at_most[index] + spent_now[index]);
            assert!(
                (least..=most).contains(&left[index]),
                "left {left:?} of bucket {index}"
            );
        }
        match taken {
            Taken::Charged(receipt) => {
                for index in 0..2 {
                    assert!(
                        at_least[index] + costs[index] <= MAX[index],
                        "more than max"
                    );
                }
                advice = None;
                history.push(Spent {
                    at_us: now,
                    costs: spent_now,
                    receipt,
                    buckets,
                    given_back: false,
                });
            }
            Taken::Wait {
                refused,
                retry_after,
                ..
            } => {
                assert!(!must_fit, "the wait that was told was too short");
                assert!(
                    (0..2).any(|index| at_most[index] + costs[index] > MAX[index]),
                    "refused although it fits"
                );
                assert!(
                    at_most[refused] + costs[refused] > MAX[refused],
                    "the wrong bucket"
                );
                assert_eq!(retry_after.is_none(), (0..2).any(|i| costs[i] > MAX[i]));
                advice = retry_after.map(|wait| (wait, costs));
            }
        }
    }
}

fn check<W: World>(cases: u32) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let world = runtime.block_on(W::new());
    for (round, windows) in [
        [1_000_000, 60_000_000],
        [7_000_000, 1_000_000],
        [86_400_000_000, 3_000_000],
    ]
    .into_iter()
    .enumerate()
    {
        let run = AtomicU64::new(0);
        let mut runner = TestRunner::new(Config {
            cases,
            ..Config::default()
        });
        runner
            .run(&steps(windows), |steps| {
                let run = usize::try_from(run.fetch_add(1, Ordering::Relaxed)).expect("few runs");
                runtime.block_on(follow(&world, run * 10 + round, windows, steps));
                Ok(())
            })
            .unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn memory_agrees_with_the_model() {
    check::<LocalWorld>(300);
}

#[test]
fn redis_agrees_with_the_model() {
    check::<RedisWorld>(60);
}
