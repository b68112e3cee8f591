import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { readStandings } from '../../api/authoring'
import { terraformOf, updateRule, type StoredRule } from '../../api/rules'
import { Menu, MenuItem } from '../../parts/menu'
import { go, pathOf } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { tell } from '../../state/done'
import { save } from '../../state/file'
import { useMay } from '../../state/session'
import { age, wholeTime } from '../../state/time'
import { count, oneLine, plural, shown } from '../../state/text'
import { costText, dailyText, Days, RuleStateMark } from './columns'
import { DeleteRules } from './delete'
import { rowOf } from './state'

interface HeadProps {
  stored: StoredRule | undefined
  name: string
  put: (r: StoredRule) => void
  children: ComponentChildren
}

/** Head says which rule it is, how it does, and what can be done with it. */
export function Head({ stored, name, put, children }: HeadProps) {
  return (
    <div class="rule-head">
      <div class="rule-title">
        <p class="small mut"><a href="/rules">Rules</a> {stored ? <code>{stored.id}</code> : 'new'}</p>
        <h1>{name === '' ? 'New rule' : shown(name)}</h1>
        {stored && <Doing stored={stored} />}
      </div>
      <div class="rule-actions">{stored && <Actions stored={stored} put={put} />}{children}</div>
    </div>
  )
}

function Doing({ stored }: { stored: StoredRule }) {
  const standings = useAsk(`${stored.id} ${stored.version}`, readStandings, 'keep')
  useEvery(10_000, standings.refresh)
  const row = rowOf(stored, standings.value)
  return (
    <>
      <p class="rule-doing small mut">
        <span><RuleStateMark state={row.state} />, v{stored.version}{stored.rule.isEnabled && " in force"}</span>
        {row.daily !== undefined && <span>{dailyText(row.daily)} signals a day</span>}
        {standings.value && <a class="link" href={pathOf(['signals'], { query: `rule_id:${stored.id}`, from: 'now-90d' })}>{plural(row.signals, 'signal')}</a>}
        <Days of={row.byDay} />
        {row.cost !== undefined && <span>an event costs {costText(row.cost)}</span>}
        {row.behind > 0 && <span class="medium">{count(row.behind)} arrivals behind</span>}
        {row.alone !== '' && <span class="medium">evaluated by itself: {row.alone}</span>}
        {row.techniques.length > 0 && <span>{row.techniques.join(', ')}</span>}
        <span title={wholeTime(stored.changedAt)}>changed {age(stored.changedAt)} ago{stored.changedBy !== '' && ` by ${oneLine(stored.changedBy)}`}</span>
        {standings.error && <span class="critical" role="status">not all is known: {standings.error.message}</span>}
      </p>
      {row.reason !== '' && <p class={'small ' + (row.state === 'dead' ? 'medium' : 'critical')}>{oneLine(row.reason, 1000)}</p>}
    </>
  )
}

function Actions({ stored, put }: { stored: StoredRule; put: (r: StoredRule) => void }) {
  const lacks = useMay('configure')
  const [deleting, setDeleting] = useState(false)
  const enable = async (on: boolean) => {
    try {
      const now = await updateRule(stored.id, 0, { isEnabled: on })
      put(now)
      tell({ text: on ? 'Enabled. It is evaluated on what arrives from now.' : 'Disabled. What arrives from now is not looked at.', undo: () => void updateRule(stored.id, 0, { isEnabled: !on }).then(put, failed('Not undone')) })
    } catch (e) {
      failed('Not changed')(e as Error)
    }
  }
  return (
    <>
      <Menu label={<>More <i class="down" /></>}>
        <MenuItem lacks={lacks} act={() => go(pathOf(['rules', 'new'], { clone: stored.id }))}>Clone</MenuItem>
        <MenuItem act={() => saveText(`${stored.id}.json`, JSON.stringify(stored.rule, null, 2) + '\n')}>Export as JSON</MenuItem>
        <MenuItem act={() => void terraformOf(stored.rule).then((text) => saveText(`${stored.id}.tf`, text), failed('Not exported'))}>Export as Terraform</MenuItem>
        <MenuItem lacks={lacks} act={() => setDeleting(true)}>Delete</MenuItem>
      </Menu>
      <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => void enable(!stored.rule.isEnabled)}>{stored.rule.isEnabled ? 'Disable' : 'Enable'}</button>
      {deleting && <DeleteRules rules={[stored]} close={() => setDeleting(false)} done={() => go('/rules')} />}
    </>
  )
}

const failed = (what: string) => (e: Error): void => tell({ text: `${what}: ${e.message}`, failed: true })

const saveText = (name: string, text: string): void => save(new Blob([text], { type: 'text/plain' }), name)
