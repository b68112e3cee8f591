// The editor in the colours of the page. The variables reach into its shadow root, so that
// a change of the theme changes nothing here.
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags as t } from '@lezer/highlight'

const ground = EditorView.theme({
  '&': { height: '100%', maxHeight: 'inherit', color: 'var(--hi)', backgroundColor: 'transparent', minWidth: '0' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { font: '400 12px/20px var(--code-face)', fontFeatureSettings: "'zero'", fontVariantLigatures: 'no-contextual', scrollbarWidth: 'thin', scrollbarColor: 'var(--rule) transparent' },
  '.cm-content': { padding: '4px 0', caretColor: 'var(--hi)' },
  '.cm-line': { padding: '0 8px' },
  '.cm-cursor': { borderLeftColor: 'var(--hi)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { background: 'color-mix(in srgb, var(--accent) 30%, transparent)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { background: 'none', outline: '1px solid var(--edge)' },
  '.cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket': { background: 'none' },
  '.cm-gutters': { background: 'transparent', color: 'var(--mut)', border: '0' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 4px 0 8px', minWidth: '28px' },
  '.cm-mistake': { textDecoration: 'underline wavy var(--critical)', textUnderlineOffset: '3px', textDecorationSkipInk: 'none' },
  '.cm-mistake.cm-mild': { textDecorationColor: 'var(--medium)' },
  '.cm-mistake-end': { display: 'inline-block', width: '1ch' },
  '.cm-specialChar': { color: 'var(--critical)' },
  '.cm-tooltip': { background: 'var(--panel)', color: 'var(--fg)', border: '1px solid var(--rule)', borderRadius: '4px', boxShadow: '0 8px 28px rgb(0 0 0 / .32)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { font: '400 12px/20px var(--code-face)', maxHeight: '240px', minWidth: '240px', padding: '4px 0' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '2px 10px', display: 'flex', justifyContent: 'space-between', gap: '16px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { background: 'var(--selected)', color: 'var(--hi)' },
  '.cm-completionDetail': { color: 'var(--mut)', fontStyle: 'normal', marginLeft: '0' },
  '.cm-completionMatchedText': { textDecoration: 'none', color: 'var(--accent)' },
})

const words = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: 'var(--accent)' },
  { tag: [t.propertyName, t.attributeName, t.definition(t.propertyName)], color: 'var(--mut)' },
  { tag: [t.string, t.special(t.string)], color: 'var(--low)' },
  { tag: [t.number, t.bool, t.null, t.atom], color: 'var(--medium)' },
  { tag: [t.comment, t.meta], color: 'var(--mut)', fontStyle: 'italic' },
  { tag: [t.typeName, t.variableName, t.standard(t.name)], color: 'var(--fg)' },
  { tag: t.escape, color: 'var(--high)' },
])

export const theme = [ground, syntaxHighlighting(words)]
