//! `profile`: a customer as the mesh knows them now.

use anyhow::Context as _;
use tributary_proto::v1::{self, profile_service_client::ProfileServiceClient};

use super::{Address, follow::Follow, request, shown, until_interrupted};
use crate::{
    cli::Globals,
    errors,
    mesh::{Authorized, Mesh, Place},
    out::{self, Screen},
};

/// Which profile, and how to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tributary profile 0001                 as a table
  tributary profile 0001 --json | jq .fields.purchases
  tributary profile 0001 --watch         again whenever it changes, until Ctrl-C; waits for one that is not there yet")]
pub(crate) struct Args {
    /// The profile's id, as answers of Track have it.
    id: String,
    /// Print one JSON object; with --watch, one a line.
    #[arg(long)]
    json: bool,
    /// Show it again whenever it changes, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    address: Address,
}

/// Shows it.
///
/// # Errors
/// The mesh is not known or does not answer, or knows no such profile.
pub(crate) async fn run(args: Args, globals: &Globals) -> anyhow::Result<()> {
    let (place, mut client) = Mesh::find(globals)?.profiles(args.address.url.as_deref())?;
    if args.watch {
        return until_interrupted(watch(&args, &place, client)).await;
    }
    let profile = find(&mut client, &place, &args.id).await?.with_context(|| {
        format!(
            "there is no profile {} of this tenant: check the id, and --tenant where there are several; a source that is not \
             trusted to say who somebody is gets another id, which its answers have",
            args.id
        )
    })?;
    if args.json { out::json(&shown::profile(&profile)?) } else { out::line(shown::profile_text(&profile)?) }
}

async fn watch(args: &Args, place: &Place, client: ProfileServiceClient<Authorized>) -> anyhow::Result<()> {
    let mut watching = client.clone();
    let open = async |resume_token: String| {
        let request = v1::WatchProfilesRequest { resume_token, profile_id: args.id.clone() };
        Ok(watching.watch_profiles(request).await?.into_inner())
    };
    let mut follow = Follow::new(place, String::new(), open);
    let (mut reading, mut screen) = (client, Screen::new());
    // What changes between the first look and the first notice is in the second look.
    match find(&mut reading, place, &args.id).await? {
        Some(profile) => show(args, &profile, &mut screen)?,
        None => out::note(format_args!("there is no profile {} yet; waiting for it until Ctrl-C", args.id)),
    }
    follow
        .run(async |notice: v1::WatchProfilesResponse| {
            if notice.profile.is_none() {
                return Ok(());
            }
            let profile = find(&mut reading, place, &args.id).await?;
            profile.map_or(Ok(()), |profile| show(args, &profile, &mut screen))
        })
        .await
}

fn show(args: &Args, profile: &v1::Profile, screen: &mut Screen) -> anyhow::Result<()> {
    if args.json { out::line(shown::profile(profile)?) } else { screen.draw(shown::profile_text(profile)?) }
}

/// `None` where there is no such profile.
async fn find(
    client: &mut ProfileServiceClient<Authorized>,
    place: &Place,
    id: &str,
) -> anyhow::Result<Option<v1::Profile>> {
    let message = v1::GetProfileRequest { profile_id: id.to_owned() };
    match client.get_profile(request(message)).await {
        Ok(answer) => answer.into_inner().profile.context("the mesh answered without a profile").map(Some),
        Err(status) if errors::reason(&status) == "PROFILE_NOT_FOUND" => Ok(None),
        Err(status) => Err(errors::of_call(place, &status)),
    }
}
