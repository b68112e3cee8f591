// What is wrong, underlined at its place.
import { StateEffect, StateField, type Text } from '@codemirror/state'
import { Decoration, EditorView, WidgetType, type DecorationSet } from '@codemirror/view'
import type { Mistake } from '../code-editor'

export const setMistakes = StateEffect.define<readonly Mistake[]>()

/** offsetOf is where a place is in a text; columns count characters, also those of two halves. */
export function offsetOf(doc: Text, line: number, column: number): number {
  const l = doc.line(Math.max(1, Math.min(doc.lines, line)))
  const before = [...l.text].slice(0, Math.max(0, column - 1)).join('')
  return l.from + before.length
}

/** EndMark is a place at the end of a line, where there is nothing to underline. */
class EndMark extends WidgetType {
  readonly look: string
  constructor(look: string) {
    super()
    this.look = look
  }
  override eq(other: EndMark): boolean {
    return other.look === this.look
  }
  toDOM(): HTMLElement {
    const mark = document.createElement('span')
    mark.className = `${this.look} cm-mistake-end`
    mark.textContent = '\u00a0'
    return mark
  }
}

function marks(doc: Text, list: readonly Mistake[]): DecorationSet {
  return Decoration.set(
    list.map((m) => {
      const from = offsetOf(doc, m.line, m.column)
      const line = doc.lineAt(from)
      const word = /^(?:[\w.@/-]+|\S)/.exec(line.text.slice(from - line.from))?.[0] ?? ''
      const look = m.mild ? 'cm-mistake cm-mild' : 'cm-mistake'
      return word === '' ? Decoration.widget({ widget: new EndMark(look), side: 1 }).range(from) : Decoration.mark({ class: look }).range(from, from + word.length)
    }),
    true,
  )
}

export const mistakes = StateField.define<{ list: readonly Mistake[]; seen: DecorationSet }>({
  create: () => ({ list: [], seen: Decoration.none }),
  update: (value, change) => {
    let next = change.docChanged ? { ...value, seen: value.seen.map(change.changes) } : value
    for (const e of change.effects) if (e.is(setMistakes)) next = { list: e.value, seen: marks(change.state.doc, e.value) }
    return next
  },
  provide: (field) => EditorView.decorations.from(field, (v) => v.seen),
})
