import { listAttempts, listTargets, type Attempt, type Target as Of } from '../../../api/notifications'
import { Known, Nothing } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { go, pathOf, useAddress } from '../../../state/address'
import { useAsk, useEvery } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { age } from '../../../state/time'
import { oneLine } from '../../../state/text'
import { Attempts, look } from './attempts'
import { kindOf, kinds, newTarget } from './kinds'
import { Mutes } from './mutes'
import { Routes } from './routes'
import { Target } from './target'
import { TargetForm } from './target-form'

/** Notifications are whom people are told by, of what, and what was told; first what failed. */
export function Notifications({ id }: { id: string | undefined }) {
  if (id === 'new') return <NewTarget />
  return id === undefined ? <All /> : <Target id={id} />
}

const pathOfTarget = (id: string): string => pathOf(['operation', 'notifications', id])

interface Row extends Of {
  last: Attempt | undefined
}

const cells: Cell<Row>[] = [
  { title: 'Target', cell: (t) => oneLine(t.handle, 120) },
  { title: 'Type', minor: true, cell: (t) => kindOf(t.type)?.title ?? t.type },
  { title: 'State', cell: (t) => (t.enabled ? 'on' : <span class="medium">off</span>) },
  { title: 'Told last', cell: (t) => (t.last ? <><span class={look(t.last.state)}>{t.last.state}</span> <span class="mut">{age(t.last.tried || t.last.created)} ago</span> {t.last.state !== 'sent' && oneLine(t.last.answer, 200)}</> : <span class="mut">nothing among the newest 200</span>) },
]

const badness = (state: string | undefined): number => ({ failed: 0, waiting: 1 })[state ?? ''] ?? 2

function All() {
  const targets = useAsk('targets', listTargets, 'keep')
  const newest = useAsk('newest attempts', (stop) => listAttempts({}, stop), 'keep')
  useEvery(10_000, () => (targets.refresh(), newest.refresh()))
  return (
    <Known of={targets}>
      {(all) => (
        <>
          {all.length === 0 ? <NoTarget /> : (
            <>
              <Listing name="Notification targets" cells={cells} rows={withLast(all, newest.value ?? [])} keyOf={(t) => t.id} onOpen={(id) => go(pathOfTarget(id))} />
              <NewLink />
            </>
          )}
          <Routes handles={all.map((t) => t.handle)} />
          <Mutes />
          {all.length > 0 && <Attempts />}
        </>
      )}
    </Known>
  )
}

function NewLink() {
  const lacks = useMay('notify')
  return <p class="keep-actions"><button class="button" disabled={lacks !== ''} title={lacks} onClick={() => go(pathOfTarget('new'))}>Add a target…</button>{lacks !== '' && <span class="mut small">{lacks}</span>}</p>
}

function NoTarget() {
  return (
    <Nothing title="Nobody is told of signals yet">
      <p>A target is somewhere that is told: a channel, an on-call service, addresses, a webhook. Rules and routes name it by its handle, such as <code>@slack-soc</code>.</p>
      <NewLink />
    </Nothing>
  )
}

/** NewTarget asks for the type, and then for what that has to be told. */
function NewTarget() {
  const { query } = useAddress()
  const type = query.get('type') ?? ''
  return (
    <>
      <p class="place-lead"><a class="link" href="/operation/notifications">Notifications</a> / {kindOf(type) === undefined ? 'a new target' : <>a new target of <a class="link" href={pathOfTarget('new')}>{kindOf(type)?.title}</a></>}</p>
      {kindOf(type) === undefined ? (
        <ul class="kinds">{kinds.map((k) => <li key={k.type}><a href={`${pathOfTarget('new')}?type=${k.type}`}><b>{k.title}</b> <span class="mut">{k.about}</span></a></li>)}</ul>
      ) : <TargetForm key={type} target={newTarget(type)} onSaved={(t) => (tell({ text: `${t.handle} is made. Try it before you need it.` }), go(pathOfTarget(t.id)))} close={() => go('/operation/notifications')} />}
    </>
  )
}

const withLast = (targets: Of[], attempts: Attempt[]): Row[] =>
  targets.map((t) => ({ ...t, last: lastOf(attempts.filter((a) => a.target === t.handle)) })).sort((a, b) => badness(a.last?.state) - badness(b.last?.state) || a.handle.localeCompare(b.handle))

/** lastOf is what was tried last, or else what came last: an escalation waits its time. */
const lastOf = (all: Attempt[]): Attempt | undefined => all.reduce<Attempt | undefined>((last, a) => (last === undefined || a.tried > last.tried ? a : last), undefined)
