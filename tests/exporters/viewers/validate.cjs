// node validate.cjs NODE_MODULES FILE: the report of Khronos' glTF validator, as JSON.
const path = require("path");
const fs = require("fs");
const validator = require(path.join(process.argv[2], "gltf-validator"));
validator
  .validateBytes(new Uint8Array(fs.readFileSync(process.argv[3])), { maxIssues: 1000 })
  .then((report) => console.log(JSON.stringify(report)));
