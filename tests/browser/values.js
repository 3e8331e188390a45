// The page in Chromium with values, keys and times that are easily confused, with long payloads, and after a restart of
// the program.
//
// node values.js '{"url":...,"chromium":...,"tx":...}'
//
// Prints the observations as one JSON object; `web_values.rs` checks it.

import fs from 'node:fs';
import { chromium } from 'playwright-core';

const given = JSON.parse(process.argv[2]);
const seen = { errors: [] };

/** Opens a view and waits until it is shown. */
async function visit(page, view) {
    const hash = `#/mychannel/${view}`;
    // Opens another address first, because a view that is already shown is not made again.
    await page.goto('about:blank');
    await page.goto(`${given.url}/${hash}`);
    await page.locator(`main[data-view="${hash}"] h1`).waitFor();
}

/** Changes the program's next answer before the page receives it. */
async function change(page, path, how) {
    await page.route(path, async (route) => {
        const response = await route.fetch();
        const json = await response.json();
        how(json);
        await route.fulfill({ response, json });
    }, { times: 1 });
}

/** Opens and fills in the form for any function of the probe. */
async function form(page, name, args) {
    await visit(page, 'call/probe');
    const found = page.locator('details[data-function=""]');
    await found.locator('summary').first().click();
    await found.getByLabel('Function').fill(name);
    for (const [index, arg] of args.entries()) {
        await found.getByRole('button', { name: 'Add an argument' }).click();
        await found.getByLabel(`Argument ${index + 1}`).fill(arg);
    }
    return found;
}

async function evaluate(page, name, args) {
    const found = await form(page, name, args);
    await found.getByRole('button', { name: 'Evaluate' }).click();
    await found.locator('.result .badge, .result .problem').waitFor();
    return found.locator('.result');
}

async function values(page) {
    await visit(page, 'key/probe/document');
    seen.value = await page.locator('.value').first().innerText();
    seen.removed = await page.locator('del').allInnerTexts();
    seen.added = await page.locator('ins').allInnerTexts();
}

async function keys(page) {
    await visit(page, 'state/probe');
    seen.keys = await page.locator('td a code').allInnerTexts();
    await visit(page, `tx/${given.tx}`);
    await page.locator('.steps').waitFor();
    seen.steps = await page.locator('.calls .key').allInnerTexts();
    seen.step = await page.locator('.detail h5:has-text("key") + *').first().innerText();
    seen.written = await page.locator('td[data-label="Written"]').allInnerTexts();
}

/** Queries keys by the form, one after the other. */
async function questions(page) {
    const ask = async (fields, view) => {
        for (const [name, text] of Object.entries(fields)) await page.fill(`#${name}`, text);
        await page.getByRole('button', { name: 'Show' }).click();
        await page.locator(`main[data-view*="${view}"] h1`).waitFor();
        return page.locator('td a code').allInnerTexts();
    };
    await visit(page, 'state/probe');
    seen.asked = [await ask({ type: 'a', attributes: 'b' }, '%00b%00'), await ask({ prefix: 'sp' }, 'prefix=sp')];
    // Unchanged, it is the same query again.
    const own = '%00a%00b%2C+c%00%00d';
    await visit(page, `state/probe?prefix=${own}`);
    await page.locator('main form').evaluate((form) => { form.id = 'before'; });
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('#before').waitFor({ state: 'detached' });
    await page.locator('#attributes').waitFor();
    seen.again = new URL(page.url()).hash;
    seen.attributes = await page.inputValue('#attributes');
    seen.asked.push(await ask({ attributes: '["b / c"]' }, '%2F'));
}

async function times(page) {
    seen.times = [];
    for (const seconds of [10_000_000_000_000, -10_000_000_000_000, 1_000_000_000_000, -1, 1.5e9]) {
        await change(page, '**/api/history*', (history) => { history.writes[0].seconds = seconds; });
        await visit(page, 'key/probe/document');
        seen.times.push(await page.locator('.timeline .muted').first().innerText());
    }
    await change(page, '**/api/blocks*', ({ blocks }) => { blocks[0].timestamp = '+318857-05-20T17:46:40.123456Z'; });
    await visit(page, 'blocks');
    seen.block = await page.locator('time').first().innerText();
}

async function transient(page) {
    const problem = async (names) => {
        const found = await form(page, 'transients', []);
        for (const [index, name] of names.entries()) {
            await found.getByRole('button', { name: 'Add transient data' }).click();
            await found.getByLabel('Transient name').nth(index).fill(name);
        }
        await found.getByRole('button', { name: 'Evaluate' }).click();
        await found.locator('.result .badge, .result .problem').waitFor();
        return found.locator('.result').innerText();
    };
    seen.transient = [await problem(['a', 'b', 'a']), await problem(['a', ''])];
    await visit(page, `tx/${given.tx}`);
    const offer = page.locator('details.offer');
    await offer.locator('summary').click();
    for (const index of [0, 1]) {
        await offer.getByRole('button', { name: 'Add transient data' }).click();
        await offer.getByLabel('Transient name').nth(index).fill('price');
    }
    await offer.getByRole('button', { name: 'Run again' }).click();
    seen.transient.push(await offer.locator('.problem').innerText());
}

async function payloads(page) {
    seen.saved = [];
    for (const [name, args] of [['get', ['huge']], ['repeat', ['2', 'binding']], ['repeat', ['40000', 'binding']]]) {
        const result = await evaluate(page, name, args);
        const downloading = page.waitForEvent('download');
        await result.getByRole('link', { name: 'Save the payload' }).click();
        seen.saved.push(fs.statSync(await (await downloading).path()).size);
    }
}

async function costs(page) {
    await visit(page, 'costs');
    seen.costs = await page.locator('tr', { hasText: 'hostile.trap' }).locator('td').allInnerTexts();
}

/** After the restart, the program has another token and other users than when the page was opened. */
async function restart(page) {
    const found = await form(page, 'get', ['document']);
    await change(page, '**/api/about', (about) => { about.token = '00'; });
    await page.evaluate(() => import('/api.mjs').then(({ getAbout }) => getAbout(true)));
    await found.getByRole('button', { name: 'Evaluate' }).click();
    await found.locator('.result .badge, .result .problem').waitFor();
    seen.called = await found.locator('.result').innerText();
    await change(page, '**/api/about', ({ organizations }) => { organizations[0].users.push('later'); });
    await page.evaluate(() => { location.hash = '#/mychannel/live'; });
    await page.locator('h1', { hasText: 'Live' }).waitFor();
    await page.evaluate(() => { location.hash = '#/mychannel/call/probe'; });
    await page.locator('#user').waitFor();
    seen.users = await page.locator('#user option').allInnerTexts();
}

/** The page followed data of an earlier run of the program. */
async function anotherRun(page) {
    const entry = { kind: 'network', time: 0, text: 'of the run before' };
    await page.route('**/api/live*', (route) => route.fulfill({
        contentType: 'text/event-stream',
        body: `id: before-1000000\ndata: ${JSON.stringify(entry)}\n\n`,
    }), { times: 1 });
    // Once when the page is opened, once after the restart.
    let asked = 0;
    const twice = new Promise((resolve) => {
        page.on('response', (response) => {
            if (response.url().endsWith('/api/about') && (asked += 1) === 2) resolve();
        });
    });
    await visit(page, 'live');
    await twice;
    await page.locator('tr', { hasText: 'probe.put' }).first().waitFor();
    seen.log = await page.locator('pre').innerText();
}

const browser = await chromium.launch({
    executablePath: given.chromium,
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => seen.errors.push(String(error)));
    for (const part of [values, keys, questions, times, transient, payloads, costs, restart, anotherRun]) await part(page);
    console.log(JSON.stringify(seen));
} catch (error) {
    console.error(error, JSON.stringify(seen));
    process.exitCode = 1;
} finally {
    await browser.close();
}
