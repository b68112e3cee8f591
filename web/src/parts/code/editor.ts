// CodeMirror, as CodeEditor needs it. It is loaded with the first editor.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus, moveCompletionSelection, selectedCompletionIndex, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, indentOnInput } from '@codemirror/language'
import { Annotation, Compartment, EditorState, Prec } from '@codemirror/state'
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view'
import type { CodeEditorProps, Mistake } from '../code-editor'
import { languageOf, type Language } from './languages'
import { mistakes, offsetOf, setMistakes } from './mistakes'
import { theme } from './theme'

/** Editor is a field that is shown. */
export interface Editor {
  show(value: string, problems: readonly Mistake[]): void
  speak(language: Language): void
  lock(readOnly: boolean): void
  goTo(line: number, column: number): void
  select(from: number, to: number): void
  focus(): void
  destroy(): void
}

/** fromOutside marks a change that nobody typed. */
const fromOutside = Annotation.define<boolean>()

/** makeEditor puts an editor into a shadow root of the host; props are asked for when they are needed. */
export function makeEditor(host: HTMLElement, props: () => CodeEditorProps): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  root.replaceChildren()
  const language = new Compartment()
  const locked = new Compartment()
  let spoken: Language | undefined
  const told: string[] = [] // what was typed, and has not come back as the value
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: props().value,
      extensions: [
        lineNumbers(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(), mistakes, theme,
        autocompletion({ override: [(at) => completions(at, props)], icons: false, selectOnOpen: false, interactionDelay: 0 }),
        Prec.highest(keymap.of(ownKeys(props))),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        overSelection,
        EditorView.updateListener.of((u) => {
          if (!u.docChanged || u.transactions.some((t) => t.annotation(fromOutside))) return
          const text = u.state.doc.toString()
          told.push(text)
          props().onChange?.(text)
        }),
        EditorView.contentAttributes.of(() => ({ 'aria-label': props().label, 'aria-invalid': String((props().problems ?? []).some((p) => !p.mild)), spellcheck: 'false', autocapitalize: 'off', tabindex: '0' })),
        language.of([]),
        ...(props().language === 'query' ? [EditorView.lineWrapping] : []),
        locked.of(lock(props().readOnly === true || props().onChange === undefined)),
      ],
    }),
  })
  return {
    show: (value, problems) => {
      // Who types fast is ahead of the value: an older one that was typed is not put back.
      const typed = told.lastIndexOf(value)
      told.splice(0, typed + 1)
      if (typed < 0 && value !== view.state.doc.toString()) {
        told.length = 0
        view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value }, annotations: fromOutside.of(true) })
      }
      view.dispatch({ effects: setMistakes.of(told.length > 0 ? [] : problems) })
    },
    speak: (name) => {
      spoken = name
      void languageOf(name).then((grammar) => spoken === name && view.dispatch({ effects: language.reconfigure(grammar) }), () => undefined)
    },
    lock: (readOnly) => view.dispatch({ effects: locked.reconfigure(lock(readOnly)) }),
    goTo: (line, column) => {
      view.dispatch({ selection: { anchor: offsetOf(view.state.doc, line, column) }, scrollIntoView: true })
      view.focus()
    },
    select: (from, to) => {
      const most = view.state.doc.length
      view.dispatch({ selection: { anchor: Math.min(from, most), head: Math.min(to, most) } })
      view.focus()
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  }
}

/**
 * overSelection puts what is typed in the place of what is selected. A browser that did it
 * would write the look of what was there as inline style, which the policy refuses.
 */
const overSelection = EditorView.domEventHandlers({
  beforeinput: (e, view) => {
    if (e.inputType !== 'insertText' || e.data === null || e.isComposing || view.state.readOnly) return false
    const [range] = e.getTargetRanges() // what is selected in the document may not be known to the state yet
    const marked = view.state.selection.main
    const from = range ? view.posAtDOM(range.startContainer, range.startOffset) : marked.from
    const to = range ? view.posAtDOM(range.endContainer, range.endOffset) : marked.to
    if (from === to) return false
    e.preventDefault()
    view.dispatch({ changes: { from, to, insert: e.data }, selection: { anchor: from + e.data.length }, userEvent: 'input.type', scrollIntoView: true })
    return true
  },
})

/** lock keeps a text from being changed; it can still be reached by the keyboard, and copied from. */
const lock = (readOnly: boolean) => [EditorState.readOnly.of(readOnly), EditorView.contentAttributes.of({ 'aria-readonly': String(readOnly) })]

/**
 * ownKeys: Tab takes what is offered, a completion or a fix, and otherwise leaves the field.
 * Enter takes a completion that an arrow chose; it is a new line otherwise.
 */
const ownKeys = (props: () => CodeEditorProps) => [
  {
    key: 'Tab',
    run: (view: EditorView) => {
      if (completionStatus(view.state) === 'active') {
        if (selectedCompletionIndex(view.state) === null) moveCompletionSelection(true)(view)
        return acceptCompletion(view)
      }
      const fix = view.state.field(mistakes).list.find((m) => m.fix)?.fix
      if (!fix || !props().onChange) return false
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: fix.value }, selection: { anchor: fix.value.length }, effects: setMistakes.of([]) })
      return true
    },
  },
  { key: 'Mod-Enter', run: (view: EditorView) => (closeCompletion(view), props().onRun?.(), props().onRun !== undefined) },
  {
    key: 'Escape',
    run: (view: EditorView) => {
      if (completionStatus(view.state) !== null) return false // it closes what is offered
      view.contentDOM.blur()
      return false
    },
  },
]

/** completions asks the caller what the text could go on with; an answer for an older text is left. */
async function completions(at: CompletionContext, props: () => CodeEditorProps): Promise<CompletionResult | null> {
  const { complete } = props()
  if (!complete) return null
  const stop = new AbortController()
  at.addEventListener('abort', () => stop.abort())
  const found = await complete(at.state.doc.toString(), at.pos, stop.signal).catch(() => undefined)
  if (!found || found.list.length === 0) return null
  return { from: found.from, options: found.list.map((o) => ({ label: o.label, apply: o.insert ?? o.label, ...(o.detail === undefined ? {} : { detail: o.detail }) })), filter: false }
}
