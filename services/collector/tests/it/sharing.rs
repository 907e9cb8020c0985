//! Several collectors, one deployment.

use tributary_model::PartitionId;
use tributary_testkit::eventually;

use crate::support::{PARTITIONS, SOON, World, profile_in};

#[tokio::test(flavor = "multi_thread")]
async fn two_collectors_share_the_partitions_and_one_alone_takes_all_of_them() {
    let world = World::new().await;
    let first = world.collector().await;
    let epochs = async || -> Vec<i64> {
        world.storage.partitions().await.unwrap().iter().map(|row| row.epoch).collect()
    };
    let before = eventually(SOON, async || match epochs().await {
        all if all.iter().all(|epoch| *epoch > 0) => Ok(all),
        some => Err(format!("not all taken: {some:?}")),
    })
    .await;

    let second = world.collector().await;
    eventually(SOON, async || {
        let now = epochs().await;
        let moved = now.iter().zip(&before).filter(|(now, before)| now > before).count();
        if moved == usize::from(PARTITIONS) / 2 {
            Ok(())
        } else {
            Err(format!("{moved} partitions have moved"))
        }
    })
    .await;
    for p in 0..PARTITIONS {
        world.append(&format!("both-{p}"), &profile_in(p), "").await;
    }
    stored(&second, 1).await;

    first.stop().await;
    for p in 0..PARTITIONS {
        world.append(&format!("one-{p}"), &profile_in(p), "").await;
    }
    stored(&second, 2).await;
    second.stop().await;
    for p in (0..PARTITIONS).map(PartitionId) {
        let free = world.redis.acquire(p, "collector", 0, SOON).await.unwrap();
        assert!(free.is_some(), "partition {} was not handed over", p.0);
    }
}

async fn stored(collector: &crate::support::Collector, each: usize) {
    for p in 0..PARTITIONS {
        let profile = profile_in(p);
        eventually(SOON, async || match collector.events(&profile).await.len() {
            found if found == each => Ok(()),
            found => Err(format!("{found} of {each} events stored in partition {p}")),
        })
        .await;
        assert_eq!(collector.views(&profile).await, Ok(each as i64));
    }
}
