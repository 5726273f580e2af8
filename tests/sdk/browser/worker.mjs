// Python in a worker: there is no page, no cookie and no local storage.
import { loadPyodide } from "/pyodide/pyodide.mjs";

onmessage = async ({ data: { wheel, code } }) => {
  try {
    const python = await loadPyodide({ indexURL: "/pyodide/" });
    await python.loadPackage(wheel);
    postMessage(await python.runPythonAsync(code));
  } catch (error) {
    postMessage(String(error));
  }
};
