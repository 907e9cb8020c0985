//! `lag`: how far the background is behind the foreground.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tributary_proto::v1::{self, profile_service_client::ProfileServiceClient};

use super::{Address, request, until_interrupted};
use crate::{
    cli::Globals,
    errors,
    mesh::{Authorized, Mesh, Place},
    out::{self, EVERY, Screen, Table},
};

/// How to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary lag                          by stream and reader, all partitions together
  tributary lag --by-partition           only where something waits
  tributary lag --watch                  again every second, until Ctrl-C

BEHIND is what a reader was not given yet, PENDING what it has in hand.")]
pub(crate) struct Args {
    /// Show it again every second, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// Show each partition in which something waits.
    #[arg(long)]
    by_partition: bool,
    /// Print one JSON object; with --watch, one a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

/// Shows it.
///
/// # Errors
/// The mesh is not known or does not answer.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let (place, mut client) = Mesh::find(globals)?.profiles(args.address.url.as_deref())?;
    if args.watch {
        return until_interrupted(watch(&args, &place, client)).await;
    }
    let readers = read(&mut client, &place).await?;
    if args.by_partition && !args.json && readers.iter().all(|reader| reader.behind + reader.pending == 0) {
        out::note("nothing waits in any partition");
        return Ok(());
    }
    if args.json {
        out::json(&for_programs(&readers, args.by_partition))
    } else {
        out::line(table(&readers, &args))
    }
}

async fn watch(
    args: &Args,
    place: &Place,
    mut client: ProfileServiceClient<Authorized>,
) -> anyhow::Result<()> {
    let mut screen = Screen::new();
    loop {
        let readers = read(&mut client, place).await?;
        if args.json {
            out::line(for_programs(&readers, args.by_partition))?;
        } else {
            screen.draw(table(&readers, args))?;
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn read(
    client: &mut ProfileServiceClient<Authorized>,
    place: &Place,
) -> anyhow::Result<Vec<v1::ReaderLag>> {
    let answer = client.get_lag(request(v1::GetLagRequest {})).await;
    Ok(answer.map_err(|status| errors::of_call(place, &status))?.into_inner().readers)
}

/// What waits for one reader of one stream, in all partitions.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    behind: u64,
    pending: u64,
}

fn summed(readers: &[v1::ReaderLag]) -> BTreeMap<(&str, &str), Sum> {
    let mut sums = BTreeMap::<_, Sum>::new();
    for reader in readers {
        let sum = sums.entry((&*reader.stream, &*reader.reader)).or_default();
        sum.behind += reader.behind;
        sum.pending += reader.pending;
    }
    sums
}

fn table(readers: &[v1::ReaderLag], args: &Args) -> Table {
    if args.by_partition {
        let mut table = Table::with(["partition", "stream", "reader", "behind", "pending"]);
        for reader in readers.iter().filter(|reader| reader.behind + reader.pending > 0) {
            table.row([
                reader.partition.to_string(),
                reader.stream.clone(),
                reader.reader.clone(),
                reader.behind.to_string(),
                reader.pending.to_string(),
            ]);
        }
        return table;
    }
    let mut table = Table::with(["stream", "reader", "behind", "pending"]);
    for ((stream, reader), sum) in summed(readers) {
        table.row([stream.to_owned(), reader.to_owned(), sum.behind.to_string(), sum.pending.to_string()]);
    }
    table
}

fn for_programs(readers: &[v1::ReaderLag], by_partition: bool) -> Value {
    let one = |stream: &str, reader: &str, behind: u64, pending: u64| json!({"stream": stream, "reader": reader, "behind": behind, "pending": pending});
    let listed: Vec<Value> = if by_partition {
        let each = readers.iter().map(|reader| {
            let mut shown = one(&reader.stream, &reader.reader, reader.behind, reader.pending);
            shown["partition"] = reader.partition.into();
            shown
        });
        each.collect()
    } else {
        summed(readers)
            .into_iter()
            .map(|((stream, reader), sum)| one(stream, reader, sum.behind, sum.pending))
            .collect()
    };
    json!({ "readers": listed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readers_partitions_are_summed() {
        let lag = |partition, reader: &str, behind| v1::ReaderLag {
            partition,
            stream: "events".into(),
            reader: reader.into(),
            behind,
            pending: 1,
        };
        let readers = [lag(0, "workflow", 2), lag(1, "workflow", 3), lag(1, "collector", 0)];
        let sums = summed(&readers);
        assert_eq!(sums[&("events", "workflow")], Sum { behind: 5, pending: 2 });
        assert_eq!(sums.len(), 2);
        let shown = for_programs(&readers, true);
        assert_eq!(shown["readers"][1]["partition"], 1);
    }
}
