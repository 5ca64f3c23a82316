// The real program with a folder of its own, on free ports, and, where a story needs them, real regions.
import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process';
import {appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';

const program = process.env.PENSTOCK_PROGRAM!;
export const root = resolve(import.meta.dirname, '../../..');
const clusters = join(root, 'deploy/regions/clusters.sh');

async function freePort(): Promise<number> {
    return new Promise((done, failed) => {
        const server = createServer().on('error', failed);
        server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            server.close(() => done(typeof address === 'object' && address ? address.port : 0));
        });
    });
}

export async function eventually<T>(what: string, look: () => Promise<T | undefined> | T | undefined, seconds = 30): Promise<T> {
    const until = Date.now() + seconds * 1_000;
    let last: unknown;
    while (Date.now() < until) {
        try {
            const found = await look();
            if (found !== undefined && found !== false) return found;
        } catch (error) {
            last = error;
        }
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`${what}: not within ${seconds} s${last ? ` (${String(last)})` : ''}`);
}

export interface ApplianceOptions {
    config?: string;
    regions?: string[];
    workflows?: object[];
    /// The users of the demo, and an admin.
    users?: boolean;
}

/// Who may do all; with `users`.
export const admin = {name: 'ada.admin', password: 'a password of the tests'};
/// Of the demo.
export const supervisor = {name: 'emma.wilson', password: 'pass123'};
export const operator = {name: 'john.smith', password: 'pass123'};

export class Appliance {
    readonly folder = mkdtempSync(join(tmpdir(), 'penstock-browser-'));
    httpPort = 0;
    eventsPort = 0;
    private process: ChildProcess | undefined;
    private readonly log = join(this.folder, 'log');
    private readonly clusters = new Set<string>();

    private constructor(private readonly options: ApplianceOptions) {}

    static async start(options: ApplianceOptions = {}): Promise<Appliance> {
        const made = new Appliance(options);
        made.httpPort = await freePort();
        made.eventsPort = await freePort();
        for (const region of options.regions ?? []) made.startRegion(region);
        made.configure();
        await made.launch();
        return made;
    }

    get address(): string {
        return `http://127.0.0.1:${this.httpPort}`;
    }

    private configure(): void {
        const {config = '', regions = [], workflows = [], users = true} = this.options;
        const files = workflows.map((document, i) => {
            const file = join(this.folder, `${i}.workflow.json`);
            writeFileSync(file, JSON.stringify(document));
            return JSON.stringify(file);
        });
        const hash = () => {
            const said = execFileSync(program, ['user', 'hash'], {input: `${admin.password}\n`, encoding: 'utf8'});
            return /\$argon2id[^"\s]*/.exec(said)![0];
        };
        writeFileSync(
            join(this.folder, 'penstock.toml'),
            [
                `data_dir = "${join(this.folder, 'data')}"`,
                `[ingest]\nlisten = "127.0.0.1:${this.eventsPort}"`,
                `[http]\nlisten = "127.0.0.1:${this.httpPort}"`,
                users ? '[access]\ndemo = true' : '',
                '[log]\nbytes_max = "1GiB"\nretention_bytes = "512MiB"',
                `[sla]\nworkflows = [${files.join(', ')}]`,
                users ? `[[user]]\nname = "${admin.name}"\nrole = "admin"\npassword_hash = "${hash()}"` : '',
                ...regions.map((region) => `[[region]]\nname = "${region}"\ndsn = "${this.dsn(region)}"`),
                config,
            ].join('\n'),
        );
    }

    /// Returns when it is ready.
    async launch(): Promise<void> {
        writeFileSync(this.log, '');
        const child = spawn(program, ['serve', '--config', join(this.folder, 'penstock.toml')], {stdio: ['ignore', 'pipe', 'pipe']});
        this.process = child;
        const keep = (piece: Buffer) => appendFileSync(this.log, piece);
        child.stdout!.on('data', keep);
        child.stderr!.on('data', keep);
        try {
            await eventually('the appliance is ready', async () => (child.exitCode === null ? ((await fetch(`${this.address}/readyz`)).ok || undefined) : true), 60);
            if (child.exitCode !== null) throw new Error('it ended');
        } catch (error) {
            throw new Error(`${String(error)}\n${readFileSync(this.log, 'utf8')}`);
        }
    }
    async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
        const child = this.process;
        if (!child || child.exitCode !== null || child.signalCode !== null) return;
        // Behind the exit there may be output on its way.
        const ended = new Promise((done) => child.once('close', done));
        child.kill(signal);
        await ended;
    }
    async stop(): Promise<void> {
        await this.kill('SIGTERM');
        if (this.clusters.size > 0) execFileSync(clusters, ['destroy', join(this.folder, 'regions'), ...this.clusters], {stdio: 'ignore'});
        rmSync(this.folder, {recursive: true, force: true});
    }
    stopRegion(region: string): void {
        execFileSync(clusters, ['stop', join(this.folder, 'regions'), region], {stdio: 'ignore'});
    }
    /// Also one that the configuration does not name.
    startRegion(region: string): void {
        this.clusters.add(region);
        execFileSync(clusters, ['start', join(this.folder, 'regions'), region], {stdio: 'ignore'});
    }

    dsn(region: string): string {
        return execFileSync(clusters, ['dsn', join(this.folder, 'regions'), region], {encoding: 'utf8'}).trim();
    }
    /// Rows of events in a region's database.
    stored(region: string): number {
        return Number(/\d+\s*$/.exec(execFileSync(clusters, ['count', join(this.folder, 'regions'), region], {encoding: 'utf8'}))![0]);
    }

    /// Events as NDJSON by the program's own sender; all of them are taken, or refused, when it returns.
    send(events: object[]): void {
        const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
        const sent = spawnSync(program, ['send', '--to', `127.0.0.1:${this.eventsPort}`, '-'], {input: lines, encoding: 'utf8'});
        if (sent.status !== 0 && !/^line \d+: /m.test(sent.stderr)) throw new Error(`send ended with ${sent.status ?? sent.signal}: ${sent.stderr}`, {cause: sent.error});
    }
    /// Steady traffic until the returned function is called.
    generate(rate: string, incidents = false): () => Promise<void> {
        const child = spawn(program, ['generate', ...(incidents ? ['--incidents'] : []), '--rate', rate, '--for', '0', '--to', `127.0.0.1:${this.eventsPort}`], {stdio: 'ignore'});
        return async () => {
            const ended = new Promise((done) => child.once('exit', done));
            child.kill('SIGINT');
            await ended;
        };
    }
}

let nextId = 1;
/// A CloudEvent of now.
export function event(type: string, subject: string, more: object = {}): object {
    return {specversion: '1.0', id: `${process.pid}-${nextId++}`, source: '/tests', type, subject, time: new Date().toISOString(), ...more};
}
