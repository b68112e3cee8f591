import { useState } from 'preact/hooks'
import { createRule, updateRule, type Rule, type StoredRule } from '../../api/rules'
import { CodeEditor } from '../../parts/code-editor'
import { Key } from '../../parts/key'
import { change, go, pathOf, useAddress } from '../../state/address'
import { tell } from '../../state/done'
import { useKeys } from '../../state/keys'
import { useMay } from '../../state/session'
import { oneLine, plural } from '../../state/text'
import { Form } from './form'
import { Head } from './head'
import { Preview } from './preview'
import { TestsPart } from './tests'
import { useTests } from './use-tests'
import { isWithin, placeOf } from './form/place'
import { useCheck, type Check, type Fault } from './use-check'
import { useDraft, type Draft } from './use-draft'
import { Versions } from './versions'
import { AsYAML } from './yaml'

interface EditorProps {
  /** As it is stored; undefined: it is not yet. */
  stored?: StoredRule
  rule: Rule
  put?: (r: StoredRule) => void
}

/** Editor is a rule as a form and as text, with what it would give beside it. */
export function Editor({ stored, rule, put }: EditorProps) {
  const draft = useDraft(stored?.id ?? 'new', rule, stored?.version ?? 0)
  const lacks = useMay('configure')
  const check = useCheck(draft.rule, draft.text, stored?.id ?? '')
  const tests = useTests(stored?.id ?? 'new', stored !== undefined, draft.rule, draft.text)
  const [saving, setSaving] = useState(false)
  const canSave = lacks === '' && !saving && check.valid === true && (draft.changed || !stored || tests.changed)
  const save = async () => {
    if (!canSave || !draft.rule) return
    setSaving(true)
    try {
      const now = !stored ? await createRule(draft.rule) : draft.changed ? await updateRule(stored.id, draft.version, whole(draft.rule, stored.rule)) : stored
      draft.saved(stored ? now.rule : rule, now.version)
      await tests.keep(now.id)
      put?.(now)
      tell({ text: !stored ? 'Stored. It is evaluated on what arrives from now.' : draft.changed ? `Saved as v${now.version}. It is in force for what arrives from now.` : 'The tests are saved.' })
      if (!stored) go(pathOf(['rules', now.id]), 'replace')
    } catch (e) {
      tell({ text: `Not saved: ${(e as Error).message}`, failed: true })
    }
    setSaving(false)
  }
  useKeys([
    { keys: 'Mod+s', does: 'save', act: () => void save(), always: true },
    { keys: 'Escape', does: 'back to the list', act: () => go('/rules') },
  ])
  return (
    <main class="rule">
      <Head stored={stored} name={draft.rule?.name ?? rule.name} put={(r) => (put?.(r), draft.changed || draft.saved(r.rule, r.version))}>
        {(draft.changed || !stored || tests.changed) && (
          <>
            {draft.changed && <button class="button quiet" onClick={draft.discard}>Discard</button>}
            <button class="button main" disabled={!canSave} title={lacks} onClick={() => void save()}>{!stored ? 'Store the rule' : draft.changed ? `Save as v${stored.version + 1}` : 'Save the tests'} <Key>⌘S</Key></button>
          </>
        )}
        {lacks !== '' && <span class="mut small">{lacks}</span>}
      </Head>
      <div class="rule-columns">
        <section class="rule-editor" aria-label="The rule" tabIndex={0}><Written draft={draft} check={check} isStored={stored !== undefined} save={() => void save()} /></section>
        <section class="rule-beside" aria-label="Preview, tests, versions" tabIndex={0}>
          <Preview rule={check.valid ? draft.rule : undefined} text={draft.text} changed={draft.changed} unsupported={check.unsupported} stored={stored} />
          <TestsPart tests={tests} rule={draft.rule} />
          {stored && <Versions key={stored.version} stored={stored} draft={draft.changed ? draft.rule : undefined} lacks={lacks} put={(r) => (put?.(r), draft.saved(r.rule, r.version))} />}
        </section>
      </div>
    </main>
  )
}

/** whole is a rule with those fields emptied that it no longer has: what is not named stays. */
function whole(now: Rule, before: Rule): Rule {
  const gone = Object.keys(before).filter((name) => !(name in now))
  return { ...Object.fromEntries(gone.map((name) => [name, Array.isArray(before[name]) ? [] : null])), ...now }
}

function Written({ draft, check, isStored, save }: { draft: Draft; check: Check; isStored: boolean; save: () => void }) {
  const { query } = useAddress()
  const as = query.get('as') ?? 'form'
  return (
    <>
      <div class="rule-tabs">
        <Said draft={draft} check={check} />
        <span class="grow" />
        <div role="tablist" aria-label="How the rule is shown">
          <button role="tab" aria-selected={as !== 'json' && as !== 'yaml'} onClick={() => change({ as: undefined }, 'replace')}>Form</button>
          <button role="tab" aria-selected={as === 'json'} onClick={() => change({ as: 'json' }, 'replace')}>JSON</button>
          <button role="tab" aria-selected={as === 'yaml'} onClick={() => change({ as: 'yaml' }, 'replace')}>YAML</button>
        </div>
      </div>
      {(draft.wrong !== '' || check.faults.length > 0 || check.warnings.length > 0) && (
        <ul class="rule-said" aria-label="What is wrong with the rule">
          {draft.wrong !== '' && <li class="critical">{oneLine(draft.wrong)}</li>}
          {check.faults.map((f, i) => <SaidOf key={'f' + i} of={f} look="critical" />)}
          {check.warnings.map((f, i) => <SaidOf key={'w' + i} of={f} look="medium" />)}
        </ul>
      )}
      {as === 'yaml' ? <AsYAML draft={draft} save={save} /> : as === 'json'
        ? <div class="rule-text"><CodeEditor label="The rule as JSON" language="json" value={draft.text} onChange={draft.type} onRun={save} lines={[24, 200]} /></div>
        : draft.rule ? <Form rule={draft.rule} edit={draft.edit} faults={check.faults} warnings={check.warnings} isStored={isStored} />
          : <p class="mut">The text is no rule. <button class="link" onClick={() => change({ as: 'json' }, 'replace')}>Mend it</button></p>}
    </>
  )
}

/** SaidOf leads to the field that it is about, where there is one. */
function SaidOf({ of, look }: { of: Fault; look: string }) {
  const toField = () => {
    const place = placeOf(of.target)
    const all = [...document.querySelectorAll<HTMLElement>('[data-at]')]
    const field = all.find((e) => e.dataset['at'] === place) ?? all.find((e) => isWithin(e.dataset['at'] ?? '', place) || isWithin(place, e.dataset['at'] ?? ' '))
    field?.closest('details')?.setAttribute('open', '')
    field?.focus()
  }
  return <li class={look}>{of.target !== '' && <><button class="link mono" onClick={toField}>{of.target}</button> </>}{oneLine(of.message)}</li>
}

function Said({ draft, check }: { draft: Draft; check: Check }) {
  if (check.error) return <span class="critical small" role="status">not checked: {check.error.message}</span>
  const wrong = check.faults.length + (draft.wrong === '' ? 0 : 1)
  return (
    <span class="small" role="status">
      {wrong > 0 ? <span class="critical">{plural(wrong, 'error')}</span> : check.valid ? <span class="good">no errors</span> : <span class="mut">checking</span>}
      {check.warnings.length > 0 && <span class="medium"> {plural(check.warnings.length, 'warning')}</span>}
      <span class="mut"> checked by the engine as you type</span>
    </span>
  )
}
