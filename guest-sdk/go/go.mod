module waystation/step

go 1.25
