// The files under deploy/ without an engine: whatever they name exists, and the checkers that are installed accept them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { Command } from '../src/cli/command.ts';
import {
  DEFAULT_PORT,
  expectNoPasswords,
  has,
  isPinned,
  knownOptions,
  optionsOf,
  pathOf,
  read,
  serversIn,
} from './deploy-files.ts';
import { projectRoot, scratchFolder } from './run-cli.ts';

const { at } = scratchFolder();
describe('deploy/Dockerfile', () => {
  const text = read('Dockerfile').replace(/\\\n/g, ' ');
  const lines = text.split('\n');
  const ignore = read('Dockerfile.dockerignore').split('\n');

  it('copies what exists, and what is not kept out', () => {
    const copied = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.split(' ').slice(1, -1));
    expect(copied).toEqual(expect.arrayContaining(['src', 'models', 'package-lock.json']));
    for (const path of copied) {
      expect(ignore, path).toContain(`!${path}`);
      // The page is built by its own folder.
      expect(existsSync(join(projectRoot, path)), path).toBe(true);
    }
    expect(ignore.find((line) => line !== '' && !line.startsWith('#'))).toBe('*');
  });

  it('ends as a user without rights, on the port of the service', () => {
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
    expect(last).toContain('USER 10001:10001');
    expect(last).toContain(`EXPOSE ${DEFAULT_PORT}`);
    expect(last.find((line) => line.includes('fetch('))).toContain(`http://127.0.0.1:${DEFAULT_PORT}/healthz`);
    const command = JSON.parse(last.find((line) => line.startsWith('CMD '))?.slice(4) ?? '');
    expect(optionsOf(command)).toEqual({ host: '0.0.0.0', data: '/var/lib/thrum' });
    expect(lines.filter((line) => line.startsWith('FROM ')).every((line) => /:\d/.test(line))).toBe(true);
    expect(text).toContain('npm ci --omit=dev --ignore-scripts');
  });

  it('keeps the runtime of this platform alone', () => {
    const folder = at('node_modules');
    const { platform, arch } = process;
    const bin = 'onnxruntime-node/bin/napi-v6';
    const other = arch === 'x64' ? 'arm64' : 'x64';
    const names = [`${platform}/${arch}`, `${platform}/${other}`, `darwin-like/${arch}`].map(
      (one) => `${bin}/${one}/a`,
    );
    const packages = [
      ...names,
      '@libsql/linux-x64-gnu/a',
      '@libsql/linux-x64-musl/a',
      '@libsql/isomorphic/a',
      'hono/a',
    ];
    for (const name of packages) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), '');
    }
    const run = () => spawnSync(process.execPath, [pathOf('keep-platform.mjs'), folder]).status;
    expect(run()).toBe(0);
    const left = packages.filter((name) => existsSync(join(folder, name)));
    expect(left).toContain(names[0]);
    expect(left.filter((name) => name.startsWith(bin))).toHaveLength(1);
    expect(left.filter((name) => name.startsWith('@libsql/linux'))).toHaveLength(1);
    expect(left).toEqual(expect.arrayContaining(['@libsql/isomorphic/a', 'hono/a']));
    expect(readdirSync(join(folder, bin))).toEqual([platform]);
    expect(run()).toBe(0);
  });
});

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      command: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.string()).default({}),
      depends_on: z.record(z.string(), z.object({ condition: z.literal('service_healthy') })).default({}),
      volumes: z.array(z.string()).default([]),
      ports: z.array(z.string()).default([]),
      read_only: z.literal(true),
      cap_drop: z.tuple([z.literal('ALL')]),
      security_opt: z.tuple([z.literal('no-new-privileges:true')]),
      healthcheck: z.looseObject({ disable: z.boolean().optional() }).optional(),
      deploy: z
        .object({
          replicas: z.number().optional(),
          resources: z.object({ limits: z.object({ cpus: z.string(), memory: z.string() }) }),
        })
        .optional(),
      build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
    }),
  ),
  volumes: z.record(z.string(), z.null()),
});

const compose = composeSchema.parse(parse(read('compose.yaml'), { merge: true }));

describe('deploy/compose.yaml', () => {
  const { services, volumes } = compose;

  it('names services, volumes, files and variables that exist', () => {
    const example = read('.env.example');
    for (const [, name] of read('compose.yaml').matchAll(/\$\{(\w+)/g))
      expect(example).toMatch(new RegExp(`^${name}=`, 'm'));
    for (const [, name] of example.matchAll(/^(\w+)=/gm)) expect(read('compose.yaml')).toContain(`\${${name}`);
    const used = new Set<string>();
    for (const [name, service] of Object.entries(services)) {
      for (const other of Object.keys(service.depends_on)) expect(services[other].healthcheck, other).toBeDefined();
      for (const volume of service.volumes) {
        const [from] = volume.split(':');
        if (from.startsWith('.')) expect(existsSync(pathOf(from)), from).toBe(true);
        else expect(Object.keys(volumes)).toContain(from);
        used.add(from);
      }
      expect(isPinned(service.image), name).toBe(true);
      if (name !== 'key') expect(service.deploy?.resources.limits, name).toBeDefined();
      if (service.build)
        expect(existsSync(join(pathOf(''), service.build.context, service.build.dockerfile))).toBe(true);
    }
    expect([...used]).toEqual(expect.arrayContaining(Object.keys(volumes)));
    expectNoPasswords(read('compose.yaml'));
  });

  it('starts Thrum with options it has, at servers that are there', () => {
    const ports: Record<string, number[]> = { nats: [4222], postgres: [5432] };
    const started = Object.values(services).filter(({ image }) => image.startsWith('thrum:'));
    expect(started).toHaveLength(3);
    for (const { command, depends_on, volumes: mounted } of started) {
      const options = optionsOf(command ?? []);
      expect(serversIn(options).length).toBeGreaterThan(0);
      for (const server of serversIn(options)) {
        const [host, port] = server.split(':');
        expect(Object.keys(depends_on)).toContain(host);
        expect(ports[host]).toContain(Number(port));
      }
      for (const folder of [options.data, options.blobs].filter((one) => one?.startsWith('/'))) {
        expect(
          mounted.some((volume) => volume.endsWith(`:${folder}`)),
          folder,
        ).toBe(true);
      }
    }
    expect(services.worker.deploy?.replicas).toBe(2);
    expect(services.serve.ports[0]).toContain(`:${DEFAULT_PORT}`);
    expect(services.nats.command?.[1]).toBe('/etc/nats-settings/box.conf');
  });

  it('gives NATS every variable of its settings', () => {
    for (const [, name] of (read('nats/accounts.conf') + read('nats/box.conf')).matchAll(/ \$(NATS_\w+)/g)) {
      expect(Object.keys(services.nats.environment)).toContain(name);
    }
  });
});

describe('deploy/thrum.service', () => {
  const unit = read('thrum.service');

  it('starts a command that exists, and is shut in', () => {
    const [, command] = /^ExecStart=\S+\/thrum (.*)$/m.exec(unit) ?? [];
    expect(optionsOf(command.split(' '))).toEqual({ data: '/var/lib/thrum', log: 'json' });
    for (const line of ['DynamicUser=yes', 'ProtectSystem=strict', 'NoNewPrivileges=yes', 'StateDirectory=thrum'])
      expect(unit.split('\n')).toContain(line);
    // V8 compiles to memory: with it the service does not start.
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=yes/m);
  });

  it.skipIf(!has('systemd-analyze'))('is what systemd understands', () => {
    const copy = at('thrum.service');
    writeFileSync(copy, unit.replace('/usr/local/bin/thrum', process.execPath));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', copy], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('deploy/nats', () => {
  const variables = Object.fromEntries(
    ['SERVICE', 'WORKER', 'SENSOR', 'ALARMS', 'SYSTEM', 'ROUTE'].map((name) => [`NATS_${name}_PASSWORD`, `p${name}`]),
  );
  const routes = Object.fromEntries([0, 1, 2].map((n) => [`NATS_ROUTE_${n}`, `nats-route://route:p@nats-${n}:6222`]));
  const env = { ...process.env, ...variables, ...routes, NATS_NAME: 'nats-0' };
  const check = (file: string, environment: NodeJS.ProcessEnv) =>
    spawnSync('nats-server', ['-t', '-c', pathOf(`nats/${file}`)], { env: environment, encoding: 'utf8' });

  it.skipIf(!has('nats-server')).each(['box.conf', 'cluster.conf'])(
    '%s is valid, and not without passwords',
    (file) => {
      const { status, stdout, stderr } = check(file, env);
      expect(status, stdout + stderr).toBe(0);
      expect(check(file, { ...env, NATS_SENSOR_PASSWORD: undefined }).status).not.toBe(0);
    },
  );

  it('is encrypted where the comment signs are taken away', () => {
    expect(read('nats/common.conf')).toMatch(/# +cert_file: \/etc\/nats-tls\/tls.crt/);
  });
});

describe('everywhere', () => {
  for (const [name, used] of Object.entries(knownOptions)) {
    const file = join(projectRoot, 'src', 'cli', `${name}.ts`);
    it.skipIf(!existsSync(file))(`thrum ${name} has the options that are used`, async () => {
      const command: Command = (await import(file))[`${name}Command`];
      for (const option of used) expect(command.options[option]?.value, option).toBeTypeOf('string');
    });
  }

  it('runs the same versions', () => {
    const images = [
      ...read('kubernetes/nats.yaml').matchAll(/image: (\S+)/g),
      ...read('kubernetes/postgres.yaml').matchAll(/image: (\S+)/g),
    ];
    expect(images.map(([, image]) => image)).toEqual([compose.services.nats.image, compose.services.postgres.image]);
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
    expect(compose.services.serve.image).toBe(`thrum:${version}`);
    const { images: replaced } = parse(read('kubernetes/kustomization.yaml'));
    expect(replaced[0].newTag).toBe(version);
    expect(read('kubernetes/make-key.yaml')).toContain(`image: thrum:${version}`);
  });

  it('is YAML without doubtful places', () => {
    const files = readdirSync(pathOf('kubernetes')).map((name) => `kubernetes/${name}`);
    for (const name of [...files, 'compose.yaml', 'nats/kustomization.yaml']) {
      for (const document of parseAllDocuments(read(name), { strict: true, uniqueKeys: true, merge: true })) {
        const { errors, warnings } = document as { errors: unknown[]; warnings: unknown[] };
        expect([...errors, ...warnings], name).toEqual([]);
      }
    }
  });
});
