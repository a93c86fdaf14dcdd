// Starts Redoc with the document that the page names. Its search would need a worker that the policy does not allow.
const element = document.getElementById("redoc");

Redoc.init(
  element.dataset.document,
  { disableSearch: true, hideDownloadButton: true, nativeScrollbars: true, sortRequiredPropsFirst: true },
  element,
);
