// What is filled in about signals, loaded when somebody begins to.
export { AssignForm } from './assign-form'
export { RespondDialog } from './respond'
export { SuppressDialog } from './suppress'
export { TriageForm } from './triage-form'
