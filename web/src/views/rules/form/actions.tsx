import { useForm } from './context'
import { ChoiceField, NumberField, Said, TextField, optionsOf } from './fields'
import { listAt, put, textAt } from './place'

/** The actions that a case may name, as compiler/rulecheck/values.go has them, and what each is told. */
const kinds = ['block_ip', 'block_user', 'user_behavior', 'flag_ip'] as const
const flags = ['SUSPICIOUS', 'FLAGGED'] as const

/** CaseActions are what Application Security would do where a case holds. They are kept, and not done. */
export function CaseActions({ at, name }: { at: string; name: string }) {
  const { rule, edit, set } = useForm()
  const all = listAt(rule, at)
  return (
    <div role="group" aria-label={`Actions of ${name}`}>
      {all.map((_, i) => {
        const place = `${at}[${i}]`
        const kind = textAt(rule, place + '.type')
        return (
          <div key={i} class="rule-step">
            <ChoiceField label={`Action ${i + 1}`} at={place + '.type'} of={optionsOf(kinds)} />
            {kind.startsWith('block') && <NumberField label="For" at={place + '.options.duration'} unit="s" least={0} note="0: for good." />}
            {kind === 'user_behavior' && <TextField label="Behaviour" at={place + '.options.userBehaviorName'} optional />}
            {kind === 'flag_ip' && <ChoiceField label="Flag" at={place + '.options.flaggedIPType'} of={optionsOf(flags)} usual="none" />}
            <Said at={place} />
            <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => (put(r, place, undefined), listAt(r, at).length === 0 && put(r, at, undefined)))}>Remove action {i + 1} of {name}</button></p>
          </div>
        )
      })}
      <Said at={at} />
      <p class="small"><button type="button" class="link" onClick={() => set(`${at}[${all.length}]`, { type: 'block_ip', options: { duration: 0 } })}>Add an action to {name}</button>{all.length > 0 && <span class="mut"> Application Security’s: kept, and not done.</span>}</p>
    </div>
  )
}
