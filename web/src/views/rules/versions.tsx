import { readVersions, restoreRule, type Rule, type RuleVersion, type StoredRule } from '../../api/rules'
import { Problem } from '../../parts/problem'
import { change, useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { age, wholeTime } from '../../state/time'
import { count, oneLine } from '../../state/text'
import { differences } from './differences'

/** Versions are how a rule became what it is; each shows what it changed, and can be restored. */
export function Versions({ stored, draft, lacks, put }: { stored: StoredRule; draft: Rule | undefined; lacks: string; put: (r: StoredRule) => void }) {
  const { query } = useAddress()
  const open = Number(query.get('version') ?? 0)
  const asked = useAsk(`${stored.id} ${stored.version}`, (stop) => readVersions(stored.id, stop))
  const all = asked.value ?? []
  const restore = async (v: number) => {
    try {
      put(await restoreRule(stored.id, v))
      tell({ text: `v${v} is in force again, as v${stored.version + 1}.` })
    } catch (e) {
      tell({ text: `Not restored: ${(e as Error).message}`, failed: true })
    }
  }
  return (
    <section class="rule-part" aria-label="Versions">
      <div class="rule-part-head"><h2>Versions <small>{asked.value ? count(all.length) : ''}</small></h2></div>
      {asked.error && <Problem error={asked.error} again={asked.again} />}
      <ol class="rule-versions">
        {draft && (
          <li>
            <button class="rule-version" aria-expanded={query.get('version') === 'draft'} onClick={() => change({ version: query.get('version') === 'draft' ? undefined : 'draft' }, 'replace')}>
              <code class="hi">draft</code>
              <span class="cut">{saidOf(stored.rule, draft)}</span>
              <span class="mut small">you, not saved</span>
            </button>
            {query.get('version') === 'draft' && <div class="rule-changes"><Changes now={draft} before={stored.rule} /></div>}
          </li>
        )}
        {all.map((v, i) => (
          <li key={v.version}>
            <button class="rule-version" aria-expanded={open === v.version} onClick={() => change({ version: open === v.version ? undefined : String(v.version) }, 'replace')}>
              <code class="hi">v{v.version}</code>
              <span class="cut">{said(v, all[i + 1])}</span>
              <span class="mut small" title={wholeTime(v.at)}>{i === 0 ? 'in force, ' : ''}{age(v.at)} ago{v.by !== '' && ` by ${oneLine(v.by, 40)}`}</span>
            </button>
            {open === v.version && (
              <div class="rule-changes">
                <Changes now={v.rule} before={all[i + 1]?.rule} />
                {i > 0 && <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => void restore(v.version)}>Restore v{v.version}</button>}
              </div>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}

/** said is what a version changed, in a line. */
function said(v: RuleVersion, before: RuleVersion | undefined): string {
  return before ? saidOf(before.rule, v.rule) : 'the first'
}

function saidOf(before: Rule, now: Rule): string {
  const all = differences(before, now)
  const one = all[0]
  if (!one) return 'nothing was changed'
  const text = `${one.place}: ${oneLine(one.before ?? 'none', 60)} → ${oneLine(one.after ?? 'none', 60)}`
  return all.length === 1 ? text : `${text}, and ${all.length - 1} more`
}

function Changes({ now, before }: { now: Rule; before: Rule | undefined }) {
  if (!before) return <p class="mut small">There was none before it.</p>
  const all = differences(before, now)
  if (all.length === 0) return <p class="mut small">It says the same as the one before it.</p>
  return (
    <dl class="rule-differences">
      {all.map((d) => (
        <div key={d.place}>
          <dt><code>{d.place}</code></dt>
          <dd>
            {d.before !== undefined && <del class="mono">{oneLine(d.before)}</del>}
            {d.after !== undefined && <ins class="mono">{oneLine(d.after)}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
