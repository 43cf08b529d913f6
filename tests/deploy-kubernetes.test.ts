// deploy/kubernetes without a cluster: every name, port, volume, secret and selector leads to something.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { DEFAULT_PORT, expectNoPasswords, has, isPinned, optionsOf, pathOf, read, serversIn } from './deploy-files.ts';

type Labels = Record<string, string>;
const labels = z.record(z.string(), z.string());
const selector = z.strictObject({ matchLabels: labels });
const port = z.union([z.number(), z.string()]);
const probe = z.union([
  z.object({ httpGet: z.object({ path: z.string(), port }) }),
  z.object({ exec: z.object({ command: z.array(z.string()) }) }),
]);
const containerSchema = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(
    z.strictObject({
      name: z.string(),
      value: z.string().optional(),
      valueFrom: z
        .union([
          z.strictObject({ secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }) }),
          z.strictObject({ fieldRef: z.strictObject({ fieldPath: z.string() }) }),
        ])
        .optional(),
    }),
  ),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
});
const podSchema = z.object({
  automountServiceAccountToken: z.literal(false),
  securityContext: z.object({
    runAsNonRoot: z.literal(true),
    runAsUser: z.number().min(1),
    fsGroup: z.number().min(1),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.array(containerSchema).length(1),
  volumes: z.array(z.object({ name: z.string(), configMap: z.object({ name: z.string() }).optional() })).default([]),
});
const workloadSchema = z.object({
  kind: z.enum(['Deployment', 'StatefulSet', 'Job']),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    serviceName: z.string().optional(),
    replicas: z.number().optional(),
    selector: selector.optional(),
    template: z.object({ metadata: z.object({ labels }), spec: podSchema }),
    volumeClaimTemplates: z.array(z.object({ metadata: z.object({ name: z.string() }) })).default([]),
  }),
});
const namedSchema = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z.unknown().optional(),
});

const files = readdirSync(pathOf('kubernetes')).filter((name) => name !== 'kustomization.yaml');
const documents = files.flatMap((file) =>
  parseAllDocuments(read(`kubernetes/${file}`)).map((document) => ({
    file,
    ...namedSchema.loose().parse(document.toJS()),
  })),
);
const kind = (name: string) => documents.filter((one) => one.kind === name);
const workloads = documents
  .filter(({ kind: one }) => ['Deployment', 'StatefulSet', 'Job'].includes(one))
  .map((one) => workloadSchema.parse(one));
const podsOf = (wanted: Labels) =>
  workloads.filter(({ spec }) =>
    Object.entries(wanted).every(([key, value]) => spec.template.metadata.labels[key] === value),
  );
const containerOf = (workload: (typeof workloads)[number]) => workload.spec.template.spec.containers[0];
const services = kind('Service').map((one) =>
  z
    .object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ selector: labels, ports: z.array(z.object({ port: z.number(), targetPort: port })) }),
    })
    .parse(one),
);
const secretKeys = Object.keys(parse(read('kubernetes/secrets.example.yaml')).stringData);

describe('deploy/kubernetes', () => {
  it('is all named by its kustomization, but for what is applied by hand', () => {
    const { resources } = parse(read('kubernetes/kustomization.yaml'));
    expect([...resources, 'secrets.example.yaml', 'make-key.yaml'].sort()).toEqual([...files, '../nats'].sort());
  });

  it.skipIf(!has('kubectl', ['version', '--client']))('is what kustomize takes', () => {
    const built = spawnSync('kubectl', ['kustomize', pathOf('kubernetes')], { encoding: 'utf8' });
    expect(built.status, built.stderr).toBe(0);
    const made = parseAllDocuments(built.stdout).map((document) => document.toJS());
    expect(made.every(({ kind: one, metadata }) => one === 'Namespace' || metadata.namespace === 'thrum')).toBe(true);
    const [settings] = made.filter(({ kind: one }) => one === 'ConfigMap');
    expect(Object.keys(settings.data).sort()).toEqual(['accounts.conf', 'cluster.conf', 'common.conf']);
    // The name with the hash of its content is what the pods mount.
    expect(built.stdout.match(new RegExp(settings.metadata.name, 'g'))?.length).toBe(2);
  });

  it('has services whose ports lead to containers', () => {
    for (const { metadata, spec } of services) {
      const [pod, ...others] = podsOf(spec.selector);
      expect([pod?.metadata.name, others.length], metadata.name).toEqual([expect.any(String), 0]);
      for (const { targetPort } of spec.ports) {
        expect(containerOf(pod).ports.map(({ name }) => name)).toContain(targetPort);
      }
    }
    for (const { spec } of workloads.filter(({ kind: one }) => one === 'StatefulSet')) {
      expect(services.map(({ metadata }) => metadata.name)).toContain(spec.serviceName);
    }
  });

  it.each(workloads.map((one) => [one.metadata.name, one] as const))('%s has what it names', (_, workload) => {
    const { selector: chosen, template, volumeClaimTemplates } = workload.spec;
    if (chosen) expect(template.metadata.labels).toMatchObject(chosen.matchLabels);
    const container = containerOf(workload);
    const volumes = [
      ...template.spec.volumes.map(({ name }) => name),
      ...volumeClaimTemplates.map(({ metadata }) => metadata.name),
    ];
    expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes.sort());
    for (const { configMap } of template.spec.volumes) {
      if (configMap) expect(configMap.name).toBe(parse(read('nats/kustomization.yaml')).configMapGenerator[0].name);
    }
    for (const { valueFrom } of container.env) {
      if (!valueFrom || !('secretKeyRef' in valueFrom)) continue;
      expect(valueFrom.secretKeyRef.name).toBe('thrum');
      expect(secretKeys).toContain(valueFrom.secretKeyRef.key);
    }
    const texts = [...(container.args ?? []), ...container.env.map(({ value = '' }) => value)];
    for (const [, name] of texts.join(' ').matchAll(/\$\((\w+)\)/g)) {
      expect(container.env.map((one) => one.name)).toContain(name);
    }
    const { startupProbe, readinessProbe, livenessProbe } = container;
    for (const one of [startupProbe, readinessProbe, livenessProbe]) {
      if (one && 'httpGet' in one) expect(container.ports.map(({ name }) => name)).toContain(one.httpGet.port);
    }
    if (container.image !== 'thrum') expect(isPinned(container.image)).toBe(true);
  });

  it('starts Thrum with options it has, at servers that are there', () => {
    const started = workloads.filter((one) => containerOf(one).image.startsWith('thrum'));
    expect(started.map(({ metadata }) => metadata.name).sort()).toEqual(['make-key', 'serve', 'worker']);
    for (const workload of started) {
      const { args = [], volumeMounts } = containerOf(workload);
      const options = optionsOf(args);
      expect(serversIn(options).length).toBeGreaterThan(0);
      for (const server of serversIn(options)) {
        const [host, number] = server.split(':');
        const service = services.find(({ metadata }) => metadata.name === host);
        expect(
          service?.spec.ports.map((one) => one.port),
          server,
        ).toContain(Number(number));
      }
      if (options.data) expect(volumeMounts.map(({ mountPath }) => mountPath)).toContain(options.data);
    }
    const serve = containerOf(podsOf({ app: 'serve' })[0]);
    expect(serve.ports).toEqual([{ name: 'http', containerPort: DEFAULT_PORT }]);
    expect(serve.readinessProbe).toMatchObject({ httpGet: { path: '/readyz' } });
    expect(serve.livenessProbe).toMatchObject({ httpGet: { path: '/healthz' } });
  });

  it('gives NATS every variable of its settings', () => {
    const { env, command } = containerOf(podsOf({ app: 'nats' })[0]);
    const settings = ['accounts', 'common', 'cluster'].map((name) => read(`nats/${name}.conf`)).join('\n');
    for (const [, name] of settings.matchAll(/[ [,]\$(NATS_\w+)/g)) expect(env.map((one) => one.name)).toContain(name);
    expect(command?.at(-1)).toBe('/etc/nats-settings/cluster.conf');
    expect(podsOf({ app: 'nats' })[0].spec.replicas).toBe(3);
  });

  it('scales and protects what is there', () => {
    for (const { spec } of kind('PodDisruptionBudget')) {
      expect(podsOf(z.object({ selector }).parse(spec).selector.matchLabels)).toHaveLength(1);
    }
    const [scaler] = kind('HorizontalPodAutoscaler');
    const target = z
      .object({ scaleTargetRef: z.object({ kind: z.string(), name: z.string() }), minReplicas: z.number() })
      .parse(scaler.spec);
    const scaled = workloads.find(({ metadata }) => metadata.name === target.scaleTargetRef.name);
    expect([scaled?.kind, scaled?.spec.replicas]).toEqual([target.scaleTargetRef.kind, undefined]);
    expect(target.minReplicas).toBeGreaterThanOrEqual(2);
  });

  it('lets through exactly the connections that commands make', () => {
    const pods = z.strictObject({
      matchLabels: labels.optional(),
      matchExpressions: z
        .array(z.strictObject({ key: z.literal('app'), operator: z.literal('In'), values: z.array(z.string()) }))
        .optional(),
    });
    const rule = z.object({
      to: z.array(z.object({ podSelector: pods.optional() })).optional(),
      from: z.array(z.object({ podSelector: pods.optional() })).optional(),
      ports: z.array(z.object({ port: z.number() })),
    });
    const policies = kind('NetworkPolicy').map(({ spec }) =>
      z
        .object({ podSelector: pods, ingress: z.array(rule).default([]), egress: z.array(rule).default([]) })
        .parse(spec),
    );
    const apps = ({ matchLabels, matchExpressions }: z.infer<typeof pods>): string[] =>
      matchLabels ? [matchLabels.app] : (matchExpressions?.flatMap(({ values }) => values) ?? []);
    const known = workloads.map(({ spec }) => spec.template.metadata.labels.app);
    for (const { podSelector } of policies) expect(known).toEqual(expect.arrayContaining(apps(podSelector)));
    const allowed = (from: string, to: string, number: number): boolean => {
      const leaves = policies.some(
        ({ podSelector, egress }) =>
          apps(podSelector).includes(from) &&
          egress.some(
            (one) =>
              one.ports.some((each) => each.port === number) &&
              one.to?.some((each) => each.podSelector && apps(each.podSelector).includes(to)),
          ),
      );
      const enters = policies.some(
        ({ podSelector, ingress }) =>
          apps(podSelector).includes(to) &&
          ingress.some(
            (one) =>
              one.ports.some((each) => each.port === number) &&
              (!one.from || one.from.some((each) => each.podSelector && apps(each.podSelector).includes(from))),
          ),
      );
      return leaves && enters;
    };
    for (const workload of workloads.filter((one) => containerOf(one).image.startsWith('thrum'))) {
      for (const server of serversIn(optionsOf(containerOf(workload).args ?? []))) {
        const [host, number] = server.split(':');
        expect(allowed(workload.spec.template.metadata.labels.app, host, Number(number)), server).toBe(true);
      }
    }
    expect(allowed('nats', 'nats', 6222)).toBe(true);
    expect(allowed('nats', 'postgres', 5432)).toBe(false);
    expect(allowed('worker', 'serve', DEFAULT_PORT)).toBe(false);
  });

  it('holds no secret', () => {
    for (const file of files) expectNoPasswords(read(`kubernetes/${file}`));
    expect(Object.values(parse(read('kubernetes/secrets.example.yaml')).stringData).every((one) => one === '')).toBe(
      true,
    );
  });
});
