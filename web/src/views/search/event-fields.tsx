import { useEffect, useRef, useState } from 'preact/hooks'
import { Value } from '../../parts/value'
import type { Mark } from '../../parts/raw-record'
import { oneLine } from '../../state/text'
import { toggleColumn } from '../../state/columns'

interface FieldsProps {
  fields: { field: string; value: string }[]
  /** What ECS calls them. */
  names: ReadonlyMap<string, string>
  marks: readonly Mark[]
  lit: number | undefined
  onLight: (n: number) => void
  columns: string[]
}

/** EventFields are all that an event has; a number leads to where it stands in the record. */
export function EventFields({ fields, names, marks, lit, onLight, columns }: FieldsProps) {
  const [ecs, setECS] = useState(false)
  const list = useRef<HTMLDListElement>(null)
  useEffect(() => {
    if (lit !== undefined) list.current?.querySelector('.lit')?.scrollIntoView({ block: 'nearest' })
  }, [lit])
  return (
    <section class="part">
      <h2 class="fields-head">
        <span>Fields <small>{fields.length}{marks.length > 0 && ', numbers point into the raw record'}</small></span>
        <button class="link small" aria-pressed={ecs} disabled={names.size === 0} title={names.size === 0 ? 'ECS has no name for these' : ''} onClick={() => setECS(!ecs)}>ECS names</button>
      </h2>
      <dl class="event-fields" ref={list}>
        {fields.map(({ field, value }, i) => {
          const mark = marks.find((m) => m.found.value === value)
          const ecsName = names.get(field)
          return (
            <div key={i} class={mark && mark.n === lit ? 'lit' : ''}>
              <dt class="cut" title={oneLine(field, 200)}>{oneLine(field, 200)}{ecs && ecsName !== undefined && <span class="ecs-name cut">{ecsName}</span>}</dt>
              <dd>
                <Value field={field} value={value} text={value.length > 2048 ? value.slice(0, 2048) + '…' : value} />
                <span class="field-end">
                  <button class="small mut as-column" aria-pressed={columns.includes(field)} aria-label={`Column ${oneLine(field, 80)}`} onClick={() => toggleColumn(columns, field)}>{columns.includes(field) ? '✓ column' : '+ column'}</button>
                  {mark && <button class="field-mark" aria-label={`${mark.n}: where ${oneLine(field, 80)} stands in the record`} aria-pressed={lit === mark.n} onClick={() => onLight(mark.n)}>{mark.n}</button>}
                </span>
              </dd>
            </div>
          )
        })}
      </dl>
    </section>
  )
}
