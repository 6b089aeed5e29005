"""Words that look like names and are none: products, protocols, job words. Projects extend them in their rules."""

from __future__ import annotations

import re
from typing import Final

PRODUCTS: Final = frozenset(
    """
    ada airflow amazon android angular ansible anthropic apache arize asana athena atlas atlassian aurora autogen aws azure bard
    bash bedrock bert bigquery bitbucket bot builder cassandra celery chatbot chatgpt chroma chromium claude cloudflare cobol codex
    cohere confluence consul copilot crewai cursor cypress dagster dall-e databricks datadog dbt debian deepseek devin django
    docker dropbox dspy duckdb dynamodb elastic elasticsearch electron elixir embeddings erlang etcd excel express fargate fastapi
    figma firebase firefox fivetran flask flink flutter fluentd gateway gemini gemma git github gitlab glue golang google gpt
    gradle grafana grok groovy groq hadoop haiku haproxy haskell haystack helm heroku hive html hubspot hugging ios istio jaeger
    java javascript jaeger jenkins jest jinja jira julia junit jupyter kafka kaggle kafka keras kibana kotlin kubectl kubernetes
    lambda langchain langfuse langgraph langsmith laravel letta linux llama llama-index llamaindex locust logfire logstash loki lua
    luigi mac macos mailchimp mariadb markdown mastra matplotlib maven memcached mermaid microsoft milvus mistral mixtral mlflow
    mocha mongo mongodb mysql neo4j netlify next nginx node notion npm numpy nvidia okta ollama openai openapi openinference
    openllmetry opensearch opentelemetry opus oracle outlook pandas paypal perplexity phi phoenix php pinecone playwright plotly
    polars postgres postgresql postman prefect presidio prisma prometheus pulsar puppeteer pydantic pytest python pytorch qdrant
    qwen rabbitmq rails ray react redis redshift rest rspec ruby rust sagemaker salesforce scala scikit scipy selenium sentry
    servicenow shopify slack snowflake sonnet spacy spark splunk spring sqlite starlette strands stripe superset supabase svelte
    swift sybil tableau tailwind teams temporal tensorflow terraform thanos tokio tornado traceloop traefik transformers trello trino
    twilio typescript ubuntu unix uvicorn vault vercel vertex vite vllm vue weaviate webpack whisper windows xcode yarn zapier
    zendesk zeppelin zookeeper zoom
    """.split()  # noqa: SIM905 - a list of 250 quoted words is harder to read and to review
)
"""Frameworks, databases, models, vendors: in agent text these are tools, not people."""

TECHNICAL: Final = frozenset(
    """
    abort accept accepted converse guardrail handoff respond weather api args arg array assertionerror assistant async auth authorization await base64 basic bearer bool boolean
    cache cancelled canonical catch charset class client code config connection const content cookie cors cpu created csv curl cvv
    dag date datetime debug default deleted delete denied dict dob docs done eof endpoint enum env err error errno etag event exception
    exit export failed failure false fatal fetch file filenotfounderror float foo format forbidden from func function gdpr get global gmt
    gpu grpc guid hash head header headers hmac host http https iban id ids import index info init input insert int integer interface
    invalid ip ipv4 ipv6 iso jwt json jsonl key keyerror kwargs latency let level limit list localhost lock log login main map max md5
    message metadata method min missing model module mutex nan none not null nullpointerexception number oauth object ok openid option
    options order output param params parse patch path payload pdf pending permissionerror pid pii ping pipeline plugin policy port
    post private prod prompt proxy public pull push put qps query queue ram read readme record redirect refund regex reject rejected
    request response retry return role root row rpc rsa runtime runtimeerror saas sandbox schema scope sdk select self server service
    session set sha sha1 sha256 slo sla smtp span sql ssh ssl ssn staging stack static status stdin stdout step stderr str string
    struct success sudo switch system table task tcp team temp test thread throw timeout timeouterror timestamp tls tmp todo token tokens
    tool tools trace traceback traceid true try tuple type typeerror udp unauthorized undefined unknown update updated uri url usage usd eur
    gbp user utc utf-8 uuid value valueerror var version void vpc wallet warn warning webhook where worker xml yaml yml zip
    """.split()  # noqa: SIM905 - see above
)
"""Words of HTTP, SQL, logs and code."""

FOREIGN: Final = frozenset(
    """
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat monday tuesday wednesday thursday friday saturday sunday
    aber alle als also am an auch auf aus bei bin bis bitte da dabei dann das dass dein dem den der des die dies diese dieser dir doch du durch
    ein eine einem einen einer er es euch euer für gegen geht gerne grund grüße gruss guten hallo hat hatte herr herzliche hier ich ihm ihn ihnen ihr ihre ihrem ihren im
    in ist ja jede kann kein keine können konto liebe lieber mehr mein meine meinem meinen mich mir mit morgen nach name namen nein nicht noch nur ob oder ohne
    rechnung rückfragen sehr sei sein seine sich sie sind so soll tag tage und uns unser unter viele vielen vom von vor vorname nachname wann war warum was wegen
    weil wenn wer werden wie wir wird wo zu zum zur über anschrift adresse telefon kunde kundin auftrag bestellung status dank danke freundlichen gruessen
    kundennummer bestellnummer rechnungsnummer auftragsnummer vertrag vertragsnummer lieferung versand zahlung betrag überweisung rückerstattung gutschrift termin
    unterlagen anfrage anliegen problem fehler passwort kennwort kontonummer karte kartennummer geburtsdatum steuernummer ausweis ausweisnummer reisepass
    versicherung versicherungsnummer mitglied mitgliedsnummer krankenkasse wohnung straße strasse stadt postleitzahl ort land handynummer rufnummer
    alors au aussi aux avec avez bien bonjour bonsoir ce cela ces cette client cordialement dans de depuis des deux du elle en est et facture j'ai je l'agent
    la le les leur lui m'appelle madame mais merci mes moi mon monsieur ne nom nos notre nous numéro on ou où par pas pour prénom puis quand que qui référence
    sans service ses si son sont sur très un une veuillez vos votre vous
    algo ante con cuando de del desde donde dos ella ellos en entre era es esta este esto factura fecha gracias hasta hay hola la las lo los mi mis muy nada
    no nombre nos nuestra nuestro o para pedido pero por porque puede que quién quiero saludos se ser si sin sobre su sus tengo tiene tu un una uno vivo y yo
    buongiorno che ciao come con cosa cui dal dalla del della di dove e gli grazie ho il indirizzo io la le lo ma mi mio nel nella non per perché più quando
    quella questo salve se sono sua suo telefono tra una via voi
    bom boa dia obrigado obrigada meu minha não nome para você endereço hallo goedemorgen graag mijn naam niet voor met het een
    """.split()  # noqa: SIM905 - see above
)
"""Months, days and the commonest words of German, French, Spanish, Italian: an English model takes them for names."""

NEVER_NAMES: Final = PRODUCTS | TECHNICAL
"""The deny list for people and places that every project starts with."""

LEAD_WORDS: Final = frozenset(
    """
    agent answer apologies applicant apply as ask asked attendee author bcc best booking call called caller calling cardholder cc
    cheers client colleague contact contacted customer dear deploying deployed doctor dr email engineer error fallback fetch find
    forward from good guest hello help hey hi holder hotel i if in it kind lookup manager me meet meeting minutes mr mrs ms my name
    notes notify on our owner passenger patient paid please prof query re regards regarding run running search see send sent sincerely
    sir someone sorry sure thanks thank that the their this to today update use user using via welcome when where who with yes you your
    """.split()  # noqa: SIM905 - see above
)
"""Words a model likes to take into the name that follows them."""

NOT_A_NAME: Final = frozenset(
    """
    a about account active address agent all amount an and any api app application apps assistant auto automatic available bad bank basic billing
    blue book bot box budget building business button calendar cancel card case cash catalog category center chair chat check chief claims
    client cloud color com company compliance confirm contract control corp corporation cost customer daily data database day default delivery
    demo department desk desktop detail details device digital director discount document done draft easy editor email employee energy
    english enterprise entry error event events example express extra failed false fast file final finance fine first flight for form free
    from full general get gift global gmbh going gold good great green group guide guest health hello help here high home hotel hours
    how human important inc income info information input insurance internal international inventory invoice is issue it item items job just
    key keyboard kit laptop large last lead legal letter level light limited line list live llc local location login long loyalty ltd mail
    main management manager market marketing master media medium meeting member membership message mobile model monitor monthly mouse my name
    network new news next no none not note number office ok old on online only open operations option orange order orders original out
    output owner pack package page paid parcel partner password payment pending personal phone plan platform please plus point policy portal
    premium price primary printer privacy pro problem process product products profile program project promo public purchase query quick
    ready really red refund refunds region remote report request required research response restaurant return returns review room rule rules run sales
    sample scale screen search secondary section security select senior service services session set settings ship shipping shop short silver
    simple single site small so software sorry source space special specialist staff standard start starter state status step still stock
    store street strategy student subscription success summary supervisor supplier support sure survey system table task team technical
    template terms test text that the this ticket time title to today tool tools total training travel trial true type ultra unit united
    unknown update user users very via video view wallet warehouse warranty watch way web weekly welcome white wireless with work worker
    workflow world writer yearly yellow yes you your zone
    churn rate lifetime net score monthly users lifecycle index ratio average revenue town dob iban swift bic cvc
    happy not trying looking wondering here calling having getting using glad afraid fine good great ready working interested unable writing
    """.split()  # noqa: SIM905 - see above
)
"""Ordinary words: a value that contains one of them is a title or a product, not a person."""

VERBS_TOO: Final = frozenset(
    """
    bill chase drew frank hope jack mark may nick pat pierce rob rose skip sue trace will
    """.split()  # noqa: SIM905 - a list of quoted words is harder to read
)
"""Given names that begin a sentence as a verb more often than as a person: "Mark as done", "Will retry"."""

SILENT_KEY: Final = re.compile(
    r"^(?:id|sku|ref|reference|pnr|locator|confirmation|booking_ref|booking_reference|status|role|type|kind|model|at|ts|timestamp|score|version|ver|hash|sha|digest|etag|order|tracking|next_cursor"
    r"|system_fingerprint|finish_reason|object|format|encoding|mime_type|level|severity|currency|unit|language|locale"
    r"|timezone|tool|tool_name|function|method|path|url|uri|href|file|filename|engine|provider|vendor|service|framework)$"
    r"|_(?:id|ids|at|type|status|model|version|hash|format|url|uri|code|kind)$|^(?:created|updated)"
)
"""Keys whose values are names of things, codes and states: nobody is looked for under them."""
