// Uses the page in Chromium like a person: events appear, a conflict links to its writer, a replay is stepped through
// by keyboard, a contract is called, edited, and called again.
//
// node page.js '{"url":...,"chromium":...,"screenshots":...,"source":...,"edited":...}'
//
// Prints the observations as one JSON object; the Rust test checks it.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { chromium } from 'playwright-core';

const given = JSON.parse(process.argv[2]);
const seen = { errors: [] };
// Ends with two characters that are not the zero byte of a composite key.
const HOSTILE = '<img src=x onerror="window.broken=1">\\0';
const HOSTILE_SHOWN = `${HOSTILE.slice(0, -2)}\\\\0`;

/** Opens a page and reports all its errors. */
async function open(browser, options) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => seen.errors.push(String(error)));
    page.on('console', (message) => {
        // A refused call has an error status; "later" has one, too.
        if (message.type() === 'error' && !/status of (4|503)/.test(message.text())) {
            seen.errors.push(message.text());
        }
    });
    return page;
}

const heading = (page, text) => page.locator('h1', { hasText: text }).waitFor();
const shot = (page, name) => page.screenshot({ path: path.join(given.screenshots, `${name}.png`) });

/** Opens a view and waits until it is shown. */
async function visit(page, view) {
    const hash = `#/mychannel/${view}`;
    await page.goto(`${given.url}/${hash}`);
    await page.locator(`main[data-view="${hash}"] h1`).waitFor();
}

/** Opens the form of a function. */
async function form(page, chaincode, name) {
    await visit(page, `call/${chaincode}`);
    const found = page.locator(`details[data-function="${name}"]`);
    await found.locator('summary').first().click();
    return found;
}

async function live(page) {
    await page.goto(given.url);
    await heading(page, 'Live');
    await page.locator('#connection', { hasText: 'connected' }).waitFor();
    const conflict = page.locator('tr', { hasText: 'MVCC_READ_CONFLICT' });
    await conflict.waitFor();
    await shot(page, 'live');
    await conflict.locator('a').first().click();
    await heading(page, 'TransferAsset');
    const link = page.locator('.timeline dd a').filter({ hasText: /^[0-9a-f]{64}$/ });
    seen.writer = await link.textContent();
    await page.locator('.steps').waitFor();
    await page.locator('.timeline').screenshot({ path: path.join(given.screenshots, 'conflict.png') });
    await link.click();
    await page.locator('h1', { hasText: 'VALID' }).filter({ hasText: 'TransferAsset' }).waitFor();
}

async function steps(page) {
    await page.locator('.steps').waitFor();
    seen.replay = await page.locator('.timeline .badge', { hasText: 'same' }).count();
    await page.locator('.calls button').first().focus();
    const status = () => page.locator('.steps [role=status]').textContent();
    seen.steps = [await status()];
    await page.keyboard.press('ArrowDown');
    seen.steps.push(await status());
    seen.stepped = await page.locator('.detail').innerText();
    seen.focused = await page.evaluate(() => document.activeElement.getAttribute('aria-current'));
    await page.keyboard.press('Home');
    seen.steps.push(await status());
    await page.keyboard.press('End');
    await page.screenshot({
        path: path.join(given.screenshots, 'replay.png'),
        fullPage: true,
        clip: { x: 0, y: 0, width: 1280, height: 1330 },
    });
    const offer = page.locator('details.offer');
    await offer.locator('summary').click();
    await offer.getByRole('button', { name: 'Add transient data' }).click();
    await offer.getByLabel('Transient name').fill('price');
    await offer.getByLabel('Value').first().fill('110');
    await offer.getByRole('button', { name: 'Run again' }).click();
    seen.offered = await page.locator('.offered').innerText();
}

async function call(page) {
    const read = await form(page, 'basic', 'ReadAsset');
    await read.getByLabel('id').fill('asset1');
    await page.keyboard.press('Tab');
    await read.getByRole('button', { name: 'Evaluate' }).click();
    await read.locator('.result .value').waitFor();
    seen.read = JSON.parse(await read.locator('.result .value').innerText());
    await read.getByLabel('id').fill('nothing');
    await read.getByRole('button', { name: 'Evaluate' }).click();
    await read.locator('.result .problem').waitFor();
    seen.refused = await read.locator('.result .problem').innerText();

    const create = await form(page, 'basic', 'CreateAsset');
    await page.getByLabel('Organization').selectOption('Org2MSP');
    for (const [label, value] of [['id', HOSTILE], ['color', 'red'], ['size', '5'], ['owner', 'Ada'], ['appraised_value', '7']]) {
        await create.getByLabel(label).first().fill(value);
    }
    await shot(page, 'call');
    await create.getByRole('button', { name: 'Submit' }).click();
    await create.locator('.result .badge').waitFor();
    seen.created = await create.locator('.result .badge').innerText();
    await create.locator('.result a', { hasText: 'transaction' }).click();
    await heading(page, 'CreateAsset');
    seen.creator = await page.locator('.terms').first().innerText();
    await page.locator('td a', { hasText: HOSTILE_SHOWN }).last().click();
    await heading(page, 'Key');
    seen.written = JSON.parse(await page.locator('.value').first().innerText());
}

async function state(page) {
    await visit(page, 'state/basic');
    await page.locator('td a', { hasText: HOSTILE_SHOWN }).click();
    await heading(page, 'Key');
    seen.key = await page.locator('h1').innerText();
    seen.images = await page.evaluate(() => document.images.length);
    seen.broken = await page.evaluate(() => window.broken ?? null);
    await visit(page, 'key/basic/asset1');
    seen.added = await page.locator('ins').allInnerTexts();
    seen.removed = await page.locator('del').allInnerTexts();
    await shot(page, 'history');
}

/** Edits and saves the contract while the page is open. */
async function edit(page) {
    const answer = async () => {
        const ask = await form(page, 'answers', 'Answer');
        await ask.getByRole('button', { name: 'Evaluate' }).click();
        await ask.locator('.result .value').waitFor();
        return ask.locator('.result .value').innerText();
    };
    seen.before = await answer();
    await visit(page, 'live');
    fs.writeFileSync(given.source, given.edited);
    await page.locator('pre', { hasText: 'answers is upgraded to 2.0' }).waitFor({ timeout: 240_000 });
    seen.after = await answer();
    await visit(page, 'costs');
    seen.costs = await page.locator('tr', { hasText: 'answers.Answer' }).innerText();
}

const VIEWS = ['live', 'blocks', 'block/1', 'chaincodes', 'call/basic', 'state/basic', 'key/basic/asset1', 'costs'];

/** Opens each view on a narrow screen and in dark mode: nothing is wider than the screen, and everything has a name. */
async function narrow(browser) {
    const page = await open(browser, { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
    seen.wide = [];
    seen.nameless = [];
    for (const view of [...VIEWS, `tx/${seen.writer}`]) {
        await visit(page, view);
        if (view.startsWith('tx/')) await page.locator('.steps').waitFor();
        await page.evaluate(() => document.querySelectorAll('details').forEach((it) => { it.open = true; }));
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > 390) seen.wide.push(`${view}: ${width}`);
        const nameless = await page.evaluate(() => [...document.querySelectorAll('input, select, textarea, button, a')]
            .filter((it) => !it.labels?.length && !it.getAttribute('aria-label') && !it.textContent.trim()).map((it) => it.outerHTML));
        seen.nameless.push(...nameless);
        if (view === 'live') await shot(page, 'phone');
    }
    await shot(page, 'phone-replay');
    await page.setViewportSize({ width: 1280, height: 900 });
    await visit(page, `tx/${seen.writer}`);
    await page.locator('.steps').waitFor();
    await page.keyboard.press('Tab');
    seen.outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    await shot(page, 'dark');
}

/** A page whose stream was refused tries again, and shows when. */
async function reconnect(browser) {
    const page = await open(browser, {});
    let refusals = 2;
    await page.route('**/api/live*', (route) => {
        refusals -= 1;
        return refusals < 0 ? route.continue() : route.fulfill({ status: 503, body: '{}' });
    });
    await page.goto(given.url);
    const connection = page.locator('#connection');
    await connection.filter({ hasText: 'next attempt in 1 s' }).waitFor();
    await connection.filter({ hasText: /^connected$/ }).waitFor();
    await page.locator('tr', { hasText: 'answers.Answer' }).first().waitFor();
    seen.refusals = refusals;
}

/** Opens more tabs than a browser has connections: all are updated, and the first continues where it was. */
async function tabs(browser) {
    const context = await browser.newContext();
    // Without a window, a browser treats all tabs as visible.
    await context.addInitScript(() => {
        let isHidden = false;
        Object.defineProperty(document, 'hidden', { get: () => isHidden });
        window.show = (isShown) => {
            isHidden = !isShown;
            document.dispatchEvent(new Event('visibilitychange'));
        };
    });
    for (let tab = 0; tab < 8; tab += 1) {
        const page = await context.newPage();
        await page.goto(`${given.url}/#/mychannel/chaincodes`);
        await heading(page, 'Chaincodes');
        await page.locator('#connection', { hasText: 'connected' }).waitFor();
        await page.evaluate(() => window.show(false));
    }
    const [first] = context.pages();
    const again = first.waitForRequest(/[/]api[/]live/);
    await first.evaluate(() => window.show(true));
    await again;
    await first.evaluate(() => { location.hash = '#/mychannel/live'; });
    await first.locator('tr', { hasText: 'answers.Answer' }).first().waitFor();
    seen.tabs = context.pages().length;
}

/** Requests of another site: they must get and change nothing. */
async function stranger(browser) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const site = http.createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<title>another site</title>'));
    await new Promise((listening) => { site.listen(0, '127.0.0.1', listening); });
    await page.goto(`http://localhost:${site.address().port}/`);
    seen.stranger = await page.evaluate(async (url) => {
        const tried = [];
        for (const [path, options] of [
            ['/api/about', {}],
            ['/api/submit', { method: 'POST', mode: 'no-cors', body: '{}' }],
            ['/api/submit', { method: 'POST', headers: { 'content-type': 'application/json', 'x-wasmcc-token': 'x' }, body: '{}' }],
        ]) {
            tried.push(await fetch(url + path, options).then((answer) => `${answer.type} ${answer.status}`, () => 'failed'));
        }
        return tried;
    }, given.url);
    site.close();
}

const browser = await chromium.launch({
    executablePath: given.chromium,
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
    fs.mkdirSync(given.screenshots, { recursive: true });
    const page = await open(browser, { colorScheme: 'light' });
    for (const part of [live, steps, call, state, edit]) await part(page);
    await narrow(browser);
    await reconnect(browser);
    await tabs(browser);
    await stranger(browser);
    console.log(JSON.stringify(seen));
} catch (error) {
    console.error(error, JSON.stringify(seen));
    process.exitCode = 1;
} finally {
    await browser.close();
}
