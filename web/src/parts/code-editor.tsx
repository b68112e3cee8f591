import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { oneLine } from '../state/text'
import type { Editor } from './code/editor'
import type { Language } from './code/languages'
import { Key } from './key'
import './code-editor.css'

export type { Language } from './code/languages'

/** Mistake is what is wrong with a text, and where: line and column from 1, in characters. */
export interface Mistake {
  line: number
  column: number
  message: string
  /** It is only worth a look. */
  mild?: boolean
  /** What Tab does about it. */
  fix?: { label: string; value: string }
}

/** Offer is what a text could go on with. */
export interface Offer {
  /** Offers replace the text from here to the cursor. */
  from: number
  list: { label: string; insert?: string; detail?: string }[]
}

export interface CodeEditorProps {
  label: string
  value: string
  language: Language
  /** Absent: it is only read. */
  onChange?: ((value: string) => void) | undefined
  readOnly?: boolean | undefined
  /** Underlined where they are, and told below unless `tells` is elsewhere. */
  problems?: readonly Mistake[] | undefined
  tells?: 'below' | 'elsewhere'
  complete?: ((text: string, cursor: number, stop: AbortSignal) => Promise<Offer | undefined>) | undefined
  /** What Ctrl or ⌘ and Enter do. */
  onRun?: (() => void) | undefined
  /** How many lines are seen at least, and at most. */
  lines?: readonly [number, number]
  /** Handed the editor when it is there, to put the cursor somewhere. */
  handle?: { current: { goTo: (line: number, column: number) => void; focus: () => void } | undefined }
}

/**
 * CodeEditor is a field for text with a grammar. CodeMirror is loaded when the first one is
 * shown; until then, and where it can't be, a plain field takes the text. Its style sheets are
 * made in a shadow root, which the policy of the page allows.
 */
export function CodeEditor(props: CodeEditorProps) {
  const { label, value, problems = [], tells = 'below', lines: [least, most] = [4, 20] } = props
  const host = useRef<HTMLDivElement>(null)
  const plain = useRef<HTMLTextAreaElement>(null)
  const editor = useRef<Editor | undefined>(undefined)
  const latest = useRef(props)
  latest.current = props
  const [ready, setReady] = useState(false)
  const readOnly = props.readOnly === true || props.onChange === undefined

  useEffect(() => {
    let gone = false
    void import('./code/editor').then(({ makeEditor }) => {
      if (gone || !host.current) return
      editor.current = makeEditor(host.current, () => latest.current)
      setReady(true)
    }, () => undefined) // the plain field stays
    return () => {
      gone = true
      editor.current?.destroy()
      editor.current = undefined
    }
  }, [])
  useLayoutEffect(() => {
    if (!ready || !plain.current || document.activeElement !== plain.current) return
    editor.current?.select(plain.current.selectionStart, plain.current.selectionEnd)
  }, [ready])
  useEffect(() => editor.current?.show(value, problems), [ready, value, JSON.stringify(problems)])
  useEffect(() => editor.current?.speak(props.language), [ready, props.language])
  useEffect(() => editor.current?.lock(readOnly), [ready, readOnly])
  if (props.handle) {
    props.handle.current = {
      focus: () => (editor.current ?? plain.current)?.focus(),
      goTo: (line, column) => editor.current?.goTo(line, column),
    }
  }
  const size = { minHeight: `${least * 20 + 10}px`, maxHeight: `${most * 20 + 10}px` }
  return (
    <div class="code-field">
      <div class={'code-host' + (readOnly ? ' read-only' : '')} ref={host} style={size} hidden={!ready} data-invalid={problems.some((p) => !p.mild)} />
      {!ready && (
        <textarea
          ref={plain} class="field mono code-plain" aria-label={label} spellcheck={false} wrap="off" readOnly={readOnly} value={value} style={{ ...size, height: `${Math.max(least, Math.min(most, value.split('\n').length)) * 20 + 10}px` }}
          onInput={(e) => props.onChange?.(e.currentTarget.value)}
          onKeyDown={(e) => e.key === 'Enter' && (e.metaKey || e.ctrlKey) && props.onRun && (e.preventDefault(), props.onRun())}
        />
      )}
      {tells === 'below' && <Mistakes problems={problems} onGo={(p) => editor.current?.goTo(p.line, p.column)} onFix={props.onChange} />}
    </div>
  )
}

interface MistakesProps {
  problems: readonly Mistake[]
  onGo: (p: Mistake) => void
  onFix: ((value: string) => void) | undefined
}

/** Mistakes tells what is wrong, each with its place, which leads there. */
export function Mistakes({ problems, onGo, onFix }: MistakesProps) {
  if (problems.length === 0) return null
  return (
    <div role="alert">
      <ul class="code-said">
        {problems.slice(0, 20).map((p) => (
          <li key={`${p.line}:${p.column}:${p.message}`}>
            <button type="button" class={'link mono ' + (p.mild ? 'medium' : 'critical')} onClick={() => onGo(p)}>{p.line}:{p.column}</button> {oneLine(p.message, 1000)}
            {p.fix && onFix && <> <button type="button" class="link" onClick={() => p.fix && onFix(p.fix.value)}>{oneLine(p.fix.label, 200)}</button> <Key>Tab</Key></>}
          </li>
        ))}
        {problems.length > 20 && <li class="mut">{problems.length - 20} more</li>}
      </ul>
    </div>
  )
}
