//! Push channels in the ledger.

use crate::common;

use common::*;
use roundtrip_core::channel::Channel;
use roundtrip_core::ids::ChannelId;
use roundtrip_engine::ledger::{Change, Ledger};
use tempfile::tempdir;

#[tokio::test]
async fn a_channel_is_replaced_by_its_id_and_forgotten_with_its_end() {
    let dir = tempdir().expect("directory");
    let ledger = open(dir.path()).await.ledger(connection());
    let put = |channel: &Channel| vec![Change::PutChannel(Box::new(channel.clone()))];
    ledger.commit(put(&channel("n1"))).await.expect("commit");
    ledger.commit(put(&channel("n2"))).await.expect("commit");
    let heard = Channel {
        heard_at: Some(now()),
        ..channel("n1")
    };
    ledger.commit(put(&heard)).await.expect("commit");
    let gone = vec![Change::DeleteChannel(ChannelId::new("n2"))];
    ledger.commit(gone).await.expect("commit");
    assert_eq!(ledger.channels().await, Ok(vec![heard]));
}
