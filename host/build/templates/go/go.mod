module @NAME@

go 1.25

require waystation/step v0.0.0

replace waystation/step => ./waystation-step
