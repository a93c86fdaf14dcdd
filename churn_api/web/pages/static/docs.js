// Starts Swagger UI with the document that the page names. Query parameters cannot make it load another one.
const element = document.getElementById("swagger-ui");

SwaggerUIBundle({
  url: element.dataset.document,
  domNode: element,
  layout: "BaseLayout",
  queryConfigEnabled: false,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
