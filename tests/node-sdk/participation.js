// Sends one request to the channel participation API, as osnadmin does. Prints status and body as JSON; without
// certificate and key, the error.
//
// node participation.js PORT CA METHOD PATH CERT KEY [BLOCK_FILE]

const fs = require('node:fs');
const https = require('node:https');

const [port, ca, method, path, cert, key, block] = process.argv.slice(2);
const options = {
    host: 'localhost', port, method, path, agent: false,
    ca: fs.readFileSync(ca),
    cert: cert ? fs.readFileSync(cert) : undefined,
    key: key ? fs.readFileSync(key) : undefined,
};
const boundary = 'osnadmin';
const body = block
    ? Buffer.concat([
        Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="config-block"; ` +
            'filename="config.block"\r\nContent-Type: application/octet-stream\r\n\r\n'),
        fs.readFileSync(block),
        Buffer.from(`\r\n--${boundary}--\r\n`),
    ])
    : Buffer.alloc(0);
if (block) {
    options.headers = { 'Content-Type': `multipart/form-data; boundary=${boundary}` };
}
const request = https.request(options, (response) => {
    const parts = [];
    response.on('data', (part) => parts.push(part));
    response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        console.log(JSON.stringify({ status: response.statusCode, body: text ? JSON.parse(text) : null }));
    });
});
request.on('error', (error) => console.log(JSON.stringify({ error: error.message })));
request.end(body);
