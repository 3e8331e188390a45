//! The channel participation API, as osnadmin uses it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Returns status, headers and body of the answer to one request.
async fn ask(address: &str, request: &str, body: &[u8]) -> (u16, String, String) {
    ask_as("localhost", address, request, body).await
}

async fn ask_as(host: &str, address: &str, request: &str, body: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let kind = match body.is_empty() {
        true => "\r\n".to_owned(),
        false => "Content-Type: multipart/form-data; boundary=zz\r\n\r\n".to_owned(),
    };
    stream.write_all(kind.as_bytes()).await.unwrap();
    // A server that refuses may not read the whole body.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

fn form(name: &str, content: &[u8]) -> Vec<u8> {
    let head =
        format!("--zz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n");
    [head.as_bytes(), content, b"\r\n--zz--\r\n"].concat()
}

async fn serve() -> (String, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = Listener { role: crate::Role::OrdererAdmin, ..Listener::peer("127.0.0.1:0") };
    let server = Server::bind([listener], ServerConfig::default()).await.unwrap();
    let address = server.address().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let peer = Fake::default();
    peer.grow(2);
    let workers = Arc::new(Workers::new(1, 1).unwrap());
    let serving = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        server.serve(Arc::new(peer), workers, stopped).await.unwrap();
    });
    (address, stop, serving)
}

#[tokio::test]
async fn a_channel_is_joined_listed_and_not_removed() {
    let (address, stop, serving) = serve().await;
    let base = "/participation/v1/channels";
    let (status, head, body) = ask(&address, &format!("GET {base}"), b"").await;
    assert_eq!((status, body.as_str()), (200, "{\"systemChannel\":null,\"channels\":null}\n"));
    assert!(head.contains("content-type: application/json"), "{head}");

    let network = Network::in_memory(&NetworkSpec::with_orgs(1)).unwrap();
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap()).block().unwrap();
    let block = form("config-block", &genesis.encode_to_vec());
    let (status, head, body) = ask(&address, &format!("POST {base}"), &block).await;
    let info = "{\"name\":\"mychannel\",\"url\":\"/participation/v1/channels/mychannel\",\
                \"consensusRelation\":\"other\",\"status\":\"active\",\"height\":2}\n";
    assert_eq!((status, body.as_str()), (201, info));
    assert!(head.contains("location: /participation/v1/channels/mychannel"), "{head}");
    let (status, head, body) = ask(&address, &format!("POST {base}"), &block).await;
    let text = "{\"error\":\"cannot join: channel already exists\"}\n";
    assert_eq!((status, body.as_str()), (405, text));
    assert!(head.contains("allow: get, delete"), "{head}");

    let one = ask(&address, &format!("GET {base}/mychannel"), b"").await;
    assert_eq!((one.0, one.2.as_str()), (200, info));
    let list = ask(&address, &format!("GET {base}"), b"").await.2;
    assert!(list.contains("[{\"name\":\"mychannel\",\"url\":\"/participation/v1/"), "{list}");
    let block = ask(&address, &format!("GET {base}/mychannel/blocks/newest"), b"").await;
    assert_eq!(block.0, 200);
    let (status, _, body) = ask(&address, &format!("DELETE {base}/mychannel"), b"").await;
    assert_eq!((status, body.as_str()), (204, ""));
    for path in ["", "/blocks/newest"] {
        assert_eq!(ask(&address, &format!("GET {base}/mychannel{path}"), b"").await.0, 404);
    }
    assert_eq!(ask(&address, &format!("DELETE {base}/mychannel"), b"").await.0, 404);
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), serving).await;
    ended.expect("the server ends before its grace does").unwrap();
}

#[tokio::test]
async fn web_sites_neither_read_nor_change_channels() {
    let (address, _stop, _serving) = serve().await;
    let channels = "/participation/v1/channels";
    let network = Network::in_memory(&NetworkSpec::with_orgs(1)).unwrap();
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap()).block().unwrap();
    let block = form("config-block", &genesis.encode_to_vec());
    // Any site can make a browser send a form.
    for host in ["localhost\r\nOrigin: http://example.com", "example.com"] {
        for (method, body) in [("GET", &b""[..]), ("POST", &block), ("DELETE", b"")] {
            let answer = ask_as(host, &address, &format!("{method} {channels}"), body).await;
            assert_eq!(answer.0, 403, "{method} {host}: {}", answer.2);
        }
    }
    let list = ask(&address, &format!("GET {channels}"), b"").await.2;
    assert!(list.contains("\"channels\":null"), "{list}");
}

#[tokio::test]
async fn what_is_wrong_has_fabrics_status_and_text() {
    let (address, _stop, _serving) = serve().await;
    let base = "/participation/v1/channels";
    let (none, odd): (&[u8], &[u8]) = (b"", b"x");
    let no = form("other", b"x");
    let bad = form("config-block", b"\xff\xff");
    let network = Network::in_memory(&NetworkSpec::with_orgs(1)).unwrap();
    let leaving = network.genesis(ChannelId::parse("leaving").unwrap()).block().unwrap();
    let leaving = form("config-block", &leaving.encode_to_vec());
    let large = form("config-block", &vec![0; 2 << 20]);
    for (request, body, status, text) in [
        (format!("GET {base}/none"), none, 404, "channel does not exist"),
        (
            format!("GET {base}/No"),
            none,
            400,
            "\"invalid channel ID: 'No' contains illegal characters\"",
        ),
        (format!("DELETE {base}/none"), none, 404, "cannot remove: channel does not exist"),
        (format!("DELETE {base}/leaving"), none, 409, "cannot remove: channel pending removal"),
        (format!("POST {base}"), &leaving[..], 409, "cannot join: channel pending removal"),
        (format!("PUT {base}"), none, 405, "invalid request method: PUT"),
        (format!("PUT {base}/none"), none, 405, "invalid request method: PUT"),
        (format!("POST {base}"), none, 400, "unsupported Content-Type: []"),
        (format!("POST {base}"), odd, 400, "cannot read form from request body"),
        (format!("POST {base}"), &no[..], 400, "form does not contains part key: config-block"),
        (
            format!("POST {base}"),
            &bad[..],
            400,
            "cannot unmarshal file part config-block into a block",
        ),
        (format!("POST {base}"), &large[..], 400, "http: request body too large"),
        (format!("GET {base}/none/blocks/first"), none, 400, "invalid block ID: 'first' not equal"),
    ] {
        let answer = ask(&address, &request, body).await;
        assert_eq!(answer.0, status, "{request}: {}", answer.2);
        assert!(answer.2.contains(text), "{request}: {}", answer.2);
    }
    assert_eq!(ask(&address, "GET /", b"").await.0, 404);
    assert_eq!(ask(&address, "GET /participation/v1/", b"").await.0, 302);
}
