import type { Context, Hono } from 'hono';
import type { Payloads } from '../observability/inspection.ts';
import { ShownError } from '../observability/shown-error.ts';
import type { Access, Caller, Refusal } from './access.ts';
import { act } from './actions.ts';
import type { Asset } from './assets.ts';
import { deadLetterPage, deadLetterPayload } from './dead-letter-rows.ts';
import { within } from './figures.ts';
import type { Follower } from './follower.ts';
import type { Packages } from './load-packages.ts';
import { streamUpdates } from './stream.ts';

const ANSWER_MS = 10_000;

export interface RoutesSettings {
  readonly packages: Packages;
  readonly access: Access;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly follower: Follower;
  readonly payloads: Payloads;
  /** Ends every stream when it aborts. */
  readonly closing: AbortSignal;
}

const callerOf = ({ req }: Context): Caller => ({ method: req.method, header: (name) => req.header(name) });

const refuse = (context: Context, { status, error }: Refusal): Response => context.json({ error }, status);

/** Everything that is served: the page's files to any page of ours, the rest with the token. */
export function routes(settings: RoutesSettings): Hono {
  const { packages, access, assets, follower, payloads } = settings;
  const { bus, watch } = follower;
  const app = new packages.Hono();

  app.use(
    packages.secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      crossOriginResourcePolicy: 'same-origin',
      crossOriginOpenerPolicy: 'same-origin',
      referrerPolicy: 'no-referrer',
      xFrameOptions: 'DENY',
      strictTransportSecurity: false,
    }),
  );
  app.use(async (context, next) => {
    const refusal = access.toPage(callerOf(context));
    if (refusal !== undefined) return refuse(context, refusal);
    context.header('cache-control', 'no-store');
    return next();
  });
  app.onError((error, context) => context.json({ error: ShownError.of(error).message }, 502));
  app.notFound((context) => context.json({ error: 'There is no such thing here (any more).' }, 404));

  app.use('/api/*', async (context, next) => {
    const isAction = context.req.path.startsWith('/api/actions/');
    const caller = callerOf(context);
    const refusal = isAction ? access.toAct(caller) : access.toRead(caller);
    return refusal === undefined ? next() : refuse(context, refusal);
  });
  app.get('/api/stream', (context) => streamUpdates(context, settings));
  app.get('/api/actors/:id', (context) => {
    const details = watch.details(context.req.param('id'));
    return details === undefined ? context.notFound() : context.json(details);
  });
  app.get('/api/dead-letters', async (context) => {
    const limit = context.req.query('limit');
    const page = deadLetterPage(bus.deadLetters, limit === undefined ? undefined : Number(limit));
    return context.json(await within(ANSWER_MS, page));
  });
  app.get('/api/dead-letters/:id', async (context) => {
    const id = context.req.param('id');
    const payload = await within(ANSWER_MS, deadLetterPayload(bus.deadLetters, id, payloads));
    return payload === undefined ? context.notFound() : context.json(payload);
  });
  app.post('/api/actions/:name', async (context) => {
    const done = await act(bus, { name: context.req.param('name'), id: context.req.query('id') });
    return done === undefined ? context.notFound() : context.json(done);
  });
  app.get('*', (context) => {
    const asset = assets.get(context.req.path);
    return asset === undefined
      ? context.notFound()
      : context.body(asset.body, 200, { 'content-type': asset.type });
  });
  return app;
}
