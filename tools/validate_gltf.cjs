// node validate_gltf.cjs FILE: the Khronos validator's report as JSON; exit code 1 when the file has errors.
const fs = require("fs");
const validator = require("gltf-validator");

validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[2]))).then((report) => {
  process.stdout.write(JSON.stringify(report.issues, null, 1));
  process.exitCode = report.issues.numErrors ? 1 : 0;
});
